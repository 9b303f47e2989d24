"""The options of an event's terms: until when its buyers may cancel."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

DURATION: Final = re.compile(r"([0-9]{1,7})([mhd])")
MINUTES: Final = {"m": 1, "h": 60, "d": 24 * 60}
NEVER: Final = "never"


def cancel_option(command: Command) -> Command:
    """Give a command the option `cancel_until`: so long before the event, as it was typed."""
    option = click.option(
        "--cancel-until",
        metavar="TIME",
        callback=_checked,
        help="Fans may cancel until so long before it begins: 90m, 48h, 7d; never is the default.",
    )
    return option(command)


def _checked(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    if given is not None and given != NEVER and not DURATION.fullmatch(given):
        raise click.BadParameter(f"{given!r} is not a time like 90m, 48h or 7d, nor {NEVER}")
    return given


def minutes_of(given: str | None) -> int | None:
    """Return "48h" as 2880, and None for never."""
    found = DURATION.fullmatch(given or NEVER)
    return int(found[1]) * MINUTES[found[2]] if found else None
