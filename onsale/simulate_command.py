"""`onsale simulate`: a sale ahead of time, on a virtual clock."""

import random
import re
from pathlib import Path
from typing import Any

import click

from gateway.simulation.outcome import Outcome
from gateway.simulation.plan import MINUTE_MS, Outage, Plan, RateChange
from gateway.simulation.simulation import Simulation
from onsale.cannot_start import named_file

UNITS_MS = {"s": 1_000, "m": MINUTE_MS, "h": 60 * MINUTE_MS}
# In the folder where the command is given, as the pictures of other tools are.
WAITS_PNG = Path("waits.png")
LENGTH = re.compile(r"(\d+)([smh])")
LIMIT_WORDS = {
    "rate": "the rate", "health": "the shop's health", "capacity": "the capacity",
    "stock": "what is left", "demand": "nobody waiting", "paused": "a pause",
}  # fmt: skip


def length_ms(text: str) -> int:
    """Return a length like 90s, 10m or 2h in milliseconds."""
    found = LENGTH.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not a length like 90s, 10m or 2h")
    return int(found[1]) * UNITS_MS[found[2]]


def outage(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> tuple[Outage, ...]:
    """Read 10m+2m: ten minutes after the opening, for two minutes."""
    found = []
    for text in texts:
        begins, plus, lasts = text.partition("+")
        if not plus:
            raise click.BadParameter(f"{text!r} does not say how long: 10m+2m")
        found.append(Outage(length_ms(begins), length_ms(lasts)))
    return tuple(found)


def change(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> tuple[RateChange, ...]:
    """Read 20m=3000: from twenty minutes after the opening on, three thousand a minute."""
    found = []
    for text in texts:
        at, _, rate = text.partition("=")
        if not rate.isdecimal():
            raise click.BadParameter(f"{text!r} does not say a rate: 20m=3000")
        found.append(RateChange(length_ms(at), int(rate)))
    return tuple(sorted(found, key=lambda each: each.at_ms))


@click.command("simulate")
@click.option("--fans", type=click.IntRange(1, 10_000_000), default=100_000, show_default=True)
@click.option(
    "--rate",
    "rate_per_minute",
    type=click.IntRange(1, 1_000_000),
    default=600,
    show_default=True,
    help="Fans let in a minute.",
)
@click.option("--capacity", type=click.IntRange(1), help="Fans inside at most; none if absent.")
@click.option(
    "--no-show",
    type=click.FloatRange(0, 0.9),
    default=0.3,
    show_default=True,
    help="The part of called fans who never come.",
)
@click.option(
    "--early",
    "early_part",
    type=click.FloatRange(0, 1),
    default=0.6,
    show_default=True,
    help="The part of all fans who are there at the opening.",
)
@click.option(
    "--seats", type=click.IntRange(1), help="How many there are; no end of them if absent."
)
@click.option(
    "--seats-per-fan",
    type=click.FloatRange(0.01, 8),
    default=1.4,
    show_default=True,
    help="What a fan inside takes on average, those counted who take none.",
)
@click.option(
    "--outage",
    "outages",
    multiple=True,
    callback=outage,
    metavar="BEGIN+LENGTH",
    help="The shop fails, as 10m+2m. May be repeated.",
)
@click.option(
    "--rate-change",
    "rate_changes",
    multiple=True,
    callback=change,
    metavar="AT=RATE",
    help="Another rate from then on, as 20m=3000; 0 is a pause. May be repeated.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed, the same sale."
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the waits are drawn, as a PNG; waits.png if absent.",
)
@click.option("--no-plot", is_flag=True, help="Draw nothing.")
def simulate(
    seed: int, plot: Path | None, no_plot: bool, capacity: int | None, **given: Any
) -> None:
    """Hold a sale ahead of time: when would it be over, and how long would fans wait?

    The fans are made up; the pacing and what fans are told are what is shipped. Drawing needs the extra
    `simulate`.
    """
    plan = Plan(capacity=capacity or given["fans"], **given)
    if not plan.rate_changes_end_well:
        raise click.UsageError("the last rate must not be a pause: the sale would never be over")
    outcome = Simulation(plan, random.Random(seed)).run()  # noqa: S311 (nothing secret)
    for line in told(plan, outcome):
        click.echo(line)
    if not no_plot:
        draw(plan, outcome, plot)


def told(plan: Plan, outcome: Outcome) -> list[str]:
    """Return what came of it, in a few lines."""
    end = "sold out" if outcome.is_sold_out else "everybody was called"
    delivered = outcome.delivered
    waits = "   ".join(
        f"{part:.0%} {clock(outcome.wait_s(part))}" for part in (0.1, 0.5, 0.9, 0.99)
    )
    steps = sum(outcome.held_by.values())
    held = ", ".join(
        f"{LIMIT_WORDS[limit]} {count / steps:.1%}"
        for limit, count in outcome.held_by.most_common()
    )
    lines = [
        f"Over after     {clock(outcome.over_at_ms / 1_000)}: {end}",
        (
            f"Fans           {plan.fans:,} came, {outcome.called:,} were called,"
            f" {outcome.admitted:,} entered, {outcome.waiting:,} still waited;"
            f" {outcome.inside_most:,} inside at most"
        ),
        f"Waits          {waits}   (of the called, so many waited no longer)",
        (
            f"Delivered      {part_of(delivered.kept, delivered.minutes)} of all minutes with demand"
            f" within 2 % of the rate, the worst off by {delivered.worst:.1%}"
        ),
        (
            f"Told waits     {part_of(outcome.ranges_kept, outcome.ranges_told)} of"
            f" {outcome.ranges_told:,} ranges held (80 % are meant to)"
        ),
        f"Calls held by  {held}",
    ]
    if plan.seats is not None:
        lines.insert(2, f"Seats          {outcome.seats_taken:,} of {plan.seats:,} taken")
    return lines


def part_of(some: int, whole: int) -> str:
    """Return a part in words."""
    return f"{some / whole:.1%}" if whole else "none"


def clock(seconds: float) -> str:
    """Return a length as hours:minutes:seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def draw(plan: Plan, outcome: Outcome, path: Path | None) -> None:
    """Draw it if that is possible here; raise ClickException if it is not and was asked for."""
    try:
        from onsale.waits_plot import plot_waits
    except ImportError as error:
        needed = "drawing needs matplotlib: pip install 'onsale[simulate]'"
        if path is not None:
            raise click.ClickException(needed) from error
        click.echo(f"Not drawn      {needed}")
        return
    path = path or WAITS_PNG
    with named_file(path):
        plot_waits(plan, outcome, path)
    click.echo(f"Drawn          {path}")
