"""`onsale rehearse`: what a farm of bots would get out of a draw, and what fans would notice of it."""

import random

import click
from rich.console import Console
from rich.table import Table

from gateway.simulation.farm import ITERATIONS_PER_CORE_SECOND, Group, Rehearsal, crowd

# What a farm is compared with: as many people as could be behind it.
HONEST = 50
# No line of the table breaks.
TABLE_CHARACTERS = 110


@click.command("rehearse")
@click.option("--fans", type=click.IntRange(1, 1_000_000), default=20_000, show_default=True)
@click.option(
    "--nat", type=click.IntRange(0, 100_000), default=2_000, show_default=True,
    help="Fans behind one address more: a campus, a mobile network.",
)  # fmt: skip
@click.option(
    "--farm", type=click.IntRange(0, 1_000_000), default=5_000, show_default=True,
    help="Tickets that a farm asks for, by four means in equal parts.",
)  # fmt: skip
@click.option("--seats", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True)
@click.option("--seats-max", type=click.IntRange(1, 100), default=8, show_default=True)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed, the same sale."
)
def rehearse(fans: int, nat: int, farm: int, seats: int, seats_max: int, seed: int) -> None:
    """Draw among fans and a farm by the limits and signals as shipped, and count the seats.

    The farm passes every check that asks for work. Pictures nobody's browser: what is noticed of a
    farm beyond its kind is not counted against it, so that the truth may be better.
    """
    rng = random.Random(seed)  # noqa: S311
    rehearsal = Rehearsal(crowd(fans, nat, farm, seats_max, rng), seats, rng)
    rehearsal.run()
    table = Table(
        "who", "asked", "in line", "refused", "harder work", "checked", "seats", "a ticket"
    )
    for group in rehearsal.groups:
        table.add_row(
            group.name, f"{group.size:,}", f"{group.in_line:,}", f"{group.refused:,}",
            f"{group.harder:,}", f"{group.checked:,}", f"{group.seats:,}", f"{each(group):.2f}",
        )  # fmt: skip
    Console(width=TABLE_CHARACTERS).print(table)
    for line in told(rehearsal.groups, seats):
        click.echo(line)


def each(group: Group) -> float:
    """Return the seats for each ticket that was asked for."""
    return group.seats / max(1, group.size)


def told(groups: list[Group], seats: int) -> list[str]:
    """Return what it comes to, in words."""
    farm = [group for group in groups if group.is_farm]
    people = [group for group in groups if not group.is_farm]
    got = sum(group.seats for group in farm)
    by_person = sum(group.seats for group in people) / max(1, sum(group.size for group in people))
    by_ticket = got / max(1, sum(group.size for group in farm))
    cores = sum(group.iterations for group in farm) / ITERATIONS_PER_CORE_SECOND / 3600
    honest = HONEST * by_person
    gain, share = by_ticket / by_person, got / seats
    refused, harder, checked = (
        sum(getattr(group, name) for group in people) for name in ("refused", "harder", "checked")
    )
    return [
        (
            f"The farm gets {got:,} of {seats:,} seats ({share:.1%}), {gain:.2f} times what a fan gets for "
            f"each of its tickets, and {got / honest:,.0f} times what {HONEST} fans get."
        ),
        f"Its proofs of work take {cores:.1f} core-hours.",
        (
            f"Of the fans {refused:,} were refused, {harder:,} worked longer (three seconds instead of "
            f"one), {checked:,} met one more check."
        ),
    ]
