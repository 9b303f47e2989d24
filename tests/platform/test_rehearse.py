"""`onsale rehearse`: what a farm would get, and that no fan is refused for it."""

import random

import pytest
from click.testing import CliRunner

from gateway.simulation.farm import Rehearsal, crowd
from onsale.cli import main
from onsale.rehearse_command import clustered


def rehearsed(*options: str) -> str:
    result = CliRunner().invoke(main, ["rehearse", *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_it_tells_what_a_farm_gets_and_what_fans_notice() -> None:
    output = rehearsed("--fans", "4000", "--nat", "1000", "--farm", "1000", "--seats", "3000")
    for words in ("other people's solutions", "The farm gets", "core-hours", "0 were refused"):
        assert words in output
    assert output == rehearsed(
        "--fans", "4000", "--nat", "1000", "--farm", "1000", "--seats", "3000"
    )
    assert "The farm gets 0 of" in rehearsed("--fans", "500", "--farm", "0")


def test_where_no_fan_gets_a_seat_nothing_is_compared_with_fans() -> None:
    output = rehearsed("--fans", "1", "--nat", "0", "--farm", "50", "--seats", "1")
    assert "The farm gets 1 of 1 seats (100.0%), and no fan gets any." in output
    scripts = crowd(1, 0, 1_000, 8, random.Random(1), ["scripts"])[-1]
    scripts.in_line, scripts.clustered, scripts.chances, scripts.seats = 1_000, 990, 20, 1
    assert clustered(scripts, by_person=0).endswith("the 1,000 tickets have 20, and get 1 seats.")


def test_seats_are_given_once_and_to_those_in_line() -> None:
    rng = random.Random(2)
    sale = Rehearsal(crowd(2_000, 2_000, 1_000, 8, rng), 2_500, rng)
    sale.run()
    assert sum(group.seats for group in sale.groups) == 2_500
    people = [group for group in sale.groups if not group.is_farm]
    assert [group.refused for group in people] == [0, 0, 0, 0], "a campus is refused nothing"
    assert [group.checked for group in people] == [0, 0, 0, 0]
    thieves = sale.groups[-1]
    assert thieves.checked == thieves.capped == thieves.size
    by_name = {group.name: group.seats / group.size for group in sale.groups}
    # Who is capped gets a quarter of what the rest of the farm gets.
    assert by_name["other people's solutions"] < 0.4 * by_name["headless, rented addresses"]


def test_a_flood_from_one_address_is_cut_off() -> None:
    rng = random.Random(2)
    sale = Rehearsal(crowd(100, 0, 80_000, 8, rng), 1_000, rng)
    sale.run()
    tabs = next(group for group in sale.groups if group.name == "tabs on one address")
    assert tabs.refused > 5_000
    assert tabs.in_line + tabs.refused == tabs.size == 20_000


@pytest.mark.parametrize("means", ["scripts", "tabs"])
def test_a_farm_of_few_networks_gets_no_more_than_75_fans(means: str) -> None:
    """Five thousand tickets among twenty thousand fans: 1.5 times what fifty fans get, in seats."""
    rng = random.Random(7)
    sale = Rehearsal(crowd(20_000, 2_000, 5_000, 8, rng, [means]), 20_000, rng)
    sale.run()
    *people, farm = sale.groups
    assert farm.in_line == 5_000
    assert farm.chances <= 75
    by_fan = sum(group.seats for group in people) / 22_000
    assert farm.seats <= 75 * by_fan
    for group in people:
        assert (group.clustered, group.chances) == (0, group.size), f"{group.name} lost something"


def test_what_clusters_do_not_do_is_said() -> None:
    output = rehearsed("--means", "headless", "--fans", "2000", "--nat", "0", "--farm", "500")
    assert "share their chances" not in output
    assert "0 stand behind" in output
    small = ("--means", "tabs", "--fans", "2000", "--nat", "0", "--farm", "2000", "--seats", "1000")
    assert "Of tabs on one address" in rehearsed(*small)
    assert "share their chances" not in rehearsed(*small, "--no-clusters")
