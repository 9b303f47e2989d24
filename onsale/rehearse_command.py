"""`onsale rehearse`: what a farm of bots would get out of a draw, and what fans would notice of it."""

import random

import click
from rich.console import Console
from rich.table import Table

from gateway.simulation.farm import ITERATIONS_PER_CORE_SECOND, MEANS, Group, Rehearsal, crowd

# What a farm is compared with: as many people as could be behind it.
HONEST = 50
# No line of the table breaks.
TABLE_CHARACTERS = 118


@click.command("rehearse")
@click.option("--fans", type=click.IntRange(1, 1_000_000), default=20_000, show_default=True)
@click.option(
    "--nat", type=click.IntRange(0, 100_000), default=2_000, show_default=True,
    help="Fans behind one address more: a campus, a mobile network.",
)  # fmt: skip
@click.option(
    "--farm", type=click.IntRange(0, 1_000_000), default=5_000, show_default=True,
    help="Tickets that a farm asks for, by all its means in equal parts.",
)  # fmt: skip
@click.option(
    "--means", type=click.Choice(MEANS), multiple=True, default=MEANS,
    help="By what the farm comes: scripts in a data centre, tabs on one address, headless browsers "
    "on rented addresses, other people's solutions. May be given several times.",
)  # fmt: skip
@click.option("--no-clusters", is_flag=True, help="Draw without clusters, to compare.")
@click.option("--seats", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True)
@click.option("--seats-max", type=click.IntRange(1, 100), default=8, show_default=True)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed, the same sale."
)
def rehearse(
    fans: int, nat: int, farm: int, means: tuple[str, ...], no_clusters: bool, seats: int,
    seats_max: int, seed: int,
) -> None:  # fmt: skip
    """Draw among fans and a farm by the limits, signals and clusters as shipped, and count the seats.

    The farm passes every check that asks for work. Pictures nobody's browser: what is noticed of a
    farm beyond its kind is not counted against it, so that the truth may be better.
    """
    rng = random.Random(seed)  # noqa: S311
    groups = crowd(fans, nat, farm, seats_max, rng, means)
    rehearsal = Rehearsal(groups, seats, rng, has_clusters=not no_clusters)
    rehearsal.run()
    table = Table(
        "who", "asked", "in line", "refused", "harder work", "checked", "chances", "seats",
        "a ticket",
    )  # fmt: skip
    for group in rehearsal.groups:
        table.add_row(
            group.name, f"{group.size:,}", f"{group.in_line:,}", f"{group.refused:,}",
            f"{group.harder:,}", f"{group.checked:,}", f"{group.chances:,}", f"{group.seats:,}",
            f"{each(group):.2f}",
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
    shared = sum(group.clustered for group in people)
    behind = sum(group.in_line - group.chances for group in people)
    refused, harder, checked = (
        sum(getattr(group, name) for group in people) for name in ("refused", "harder", "checked")
    )
    # Of few fans and few seats, no fan may get any: then nothing is so many times what fans get.
    compared = (
        f"{by_ticket / by_person:.2f} times what a fan gets for each of its tickets, and "
        f"{got / (HONEST * by_person):.2f} times what {HONEST} fans get"
        if by_person
        else "and no fan gets any"
    )
    return [
        f"The farm gets {got:,} of {seats:,} seats ({got / seats:.1%}), {compared}.",
        *(clustered(group, by_person) for group in farm if group.clustered),
        f"Its proofs of work take {cores:.1f} core-hours.",
        (
            f"Of the fans {refused:,} were refused, {harder:,} worked longer (a second and a half "
            f"instead of 0.4 on a cheap phone), {checked:,} met one more check; {shared:,} shared chances, "
            f"{behind:,} stand behind."
        ),
    ]


def clustered(group: Group, by_person: float) -> str:
    """Say what is left of a part of the farm that shares its chances."""
    compared = (
        f"{group.seats / (HONEST * by_person):.2f} times what {HONEST} fans get"
        if by_person
        else f"{group.seats:,} seats"
    )
    return (
        f"Of {group.name} {group.clustered:,} share their chances: the {group.in_line:,} tickets have "
        f"{group.chances:,}, and get {compared}."
    )
