"""The option of a sale's priority groups: each has a lane that is called before the general line."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from gateway.waiting_room.sale_lanes import SaleLane

Command = TypeVar("Command", bound=Callable[..., Any])


def _lanes(
    _context: click.Context, _option: click.Parameter, given: Sequence[str]
) -> tuple[SaleLane, ...]:
    """Return the lanes that were named; SaleRecords checks them. An id alone is its own name."""
    parts = [text.partition("=") for text in given]
    return tuple(SaleLane(lane.strip(), (name or lane).strip()) for lane, _, name in parts)


def lane_option(command: Command) -> Command:
    """Give a command the option that names lanes; the first is called first."""
    option = click.option(
        "--lane",
        "lanes",
        metavar="ID=NAME",
        callback=_lanes,
        multiple=True,
        help="A group called before the others, as members=Members; again for the next one.",
    )
    return option(command)


def with_lanes(known: Sequence[SaleLane], given: Sequence[SaleLane]) -> tuple[SaleLane, ...]:
    """Return the lanes of a sale when some are named anew, and new ones come behind them."""
    names = {each.lane: each.name for each in given}
    renamed = [SaleLane(each.lane, names.pop(each.lane, each.name)) for each in known]
    return (*renamed, *(each for each in given if each.lane in names))
