"""The options of a sale's draw: whether there is one, and which beacon goes into its seed."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from gateway.draw import order, permutation
from gateway.draw.beacon import read_chain
from gateway.draw.draw import BEACON_MARGIN_MS
from gateway.draw.records import DrawPlan
from gateway.draw.seed import commitment_of
from groundwork.clock import SystemTokenSource
from groundwork.errors import RequestInvalid

Command = TypeVar("Command", bound=Callable[..., Any])


def draw_options(command: Command) -> Command:
    """Give a command the options of a draw."""
    for option in reversed(
        (
            click.option(
                "--beacon",
                help="Public randomness for the draw: drand-quicknet, or a file with a drand chain's /info.",
            ),
            click.option(
                "--beacon-wait",
                type=click.IntRange(0, 3600),
                default=120,
                show_default=True,
                help="Seconds to wait for a beacon that does not answer; then the draw goes on without.",
            ),
            click.option(
                "--no-clusters",
                is_flag=True,
                help="Let each entry have a chance of its own, also thousands that come at once from one "
                "network with one kind of browser.",
            ),
            click.option(
                "--no-draw",
                is_flag=True,
                help="First come, first served before the opening, too.",
            ),
        )
    ):
        command = option(command)
    return command


def planned(
    opens_at: datetime,
    now: datetime,
    beacon: str | None,
    beacon_wait: int,
    *,
    no_draw: bool,
    no_clusters: bool,
) -> DrawPlan | None:
    """Return the draw of a sale made now; None where nothing is drawn. Raises RequestInvalid."""
    if no_draw or opens_at <= now:
        if beacon:
            raise RequestInvalid("beacon", "is for a draw, and nothing is drawn in this sale")
        if no_clusters:
            raise RequestInvalid("no-clusters", "is for a draw, and nothing is drawn in this sale")
        return None
    chain = read_chain(beacon) if beacon else None
    name = permutation.NAME if no_clusters else order.NAME
    return DrawPlan.made(SystemTokenSource(), chain, beacon_wait * 1000, name)


def tell(plan: DrawPlan, opens_at_ms: int) -> None:
    """Print what is public of a draw from now on, to be kept by whoever wants to check it later."""
    click.echo(f"the draw's commitment: {commitment_of(plan.secret).hex()}")
    if plan.chain is not None:
        round_number = plan.chain.round_at(opens_at_ms + BEACON_MARGIN_MS)
        click.echo(f"the draw's beacon: {plan.chain.name}, round {round_number}")
