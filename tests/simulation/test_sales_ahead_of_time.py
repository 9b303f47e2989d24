"""Whole sales on a virtual clock: delivered as asked, told as it came, over when it should be."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from gateway.simulation.outcome import Followed, Outcome
from gateway.simulation.plan import MINUTE_MS, Outage, Plan, RateChange
from gateway.simulation.simulation import EARLY_TOLD_AT_MS, Simulation
from gateway.waiting_room.promises import TOLD_SECONDS_MIN

# The sale of most tests: half an hour of a crowd that waits, and no stragglers for an hour after.
PLAN = Plan(
    fans=12_000, rate_per_minute=600, capacity=12_000, no_show=0.3, late_mean_ms=4 * MINUTE_MS
)

# Fans of one sale are right or wrong together, so that it takes many sales to speak of a part.
SALES = 8


def held(plan: Plan, seed: int = 1) -> Outcome:
    return Simulation(plan, random.Random(seed)).run()


def test_everybody_is_called_and_as_many_enter_as_come() -> None:
    outcome = held(PLAN)

    assert (outcome.called, outcome.waiting, outcome.is_sold_out) == (12_000, 0, False)
    assert outcome.admitted == pytest.approx(0.7 * 12_000, rel=0.03)
    # 8,400 who come, at 600 a minute.
    assert 60 * 8 < outcome.wait_s(0.9) < 60 * 14.5


@pytest.mark.parametrize("no_show", [0.0, 0.4])
def test_every_minute_with_demand_delivers_what_was_asked(no_show: float) -> None:
    delivered = held(replace(PLAN, no_show=no_show)).delivered

    assert delivered.minutes > 500
    assert delivered.kept == delivered.minutes, f"the worst minute was off by {delivered.worst:.1%}"


def test_nobody_is_called_before_who_came_before() -> None:
    simulation = Simulation(replace(PLAN, fans=3_000), random.Random(3))
    before = 0
    for step in range(1_200):
        simulation.step(step)
        assert before <= simulation.serving <= simulation.joined
        before = simulation.serving
    assert before > 1_000


def test_eight_in_ten_of_what_is_told_holds_whatever_happens() -> None:
    """Over seeds, with no-shows, arrivals, an outage, a change of the rate, and a full house."""
    plans = [
        PLAN,
        replace(PLAN, no_show=0.0, fans=20_000),
        replace(PLAN, outages=(Outage(5 * MINUTE_MS, 90_000),)),
        replace(PLAN, rate_changes=(RateChange(6 * MINUTE_MS, 900),)),
        replace(PLAN, capacity=1_500),
    ]
    told = kept = 0
    for seed in (1, 2):
        for plan in plans:
            outcome = held(plan, seed)
            told, kept = told + outcome.ranges_told, kept + outcome.ranges_kept

    assert told > 500
    # A range of a short sale is made before much was measured, and errs on the wide side.
    assert 0.75 <= kept / told <= 0.95, f"{kept} of {told}"


def one_of_the_sales(number: int) -> Plan:
    """A sale of an hour as sales differ: in how many stay away, in who comes when, in what goes wrong.

    No-shows are spread evenly up to 40 %: the first fans of a sale are all right or all wrong by them.
    """
    rng = random.Random(number)
    no_show = 0.4 * (number * 7 % SALES + 0.5) / SALES
    plan = Plan(
        fans=12_000, rate_per_minute=200, capacity=12_000, no_show=no_show,
        early_part=rng.uniform(0.4, 0.8), late_mean_ms=rng.randint(5, 20) * MINUTE_MS,
    )  # fmt: skip
    outage = Outage(rng.randint(3, 30) * MINUTE_MS, rng.randint(60, 180) * 1_000)
    change = RateChange(rng.randint(5, 25) * MINUTE_MS, rng.choice([120, 300]))
    return (
        plan,
        replace(plan, outages=(outage,)),
        replace(plan, capacity=rng.randint(300, 660)),
        replace(plan, rate_changes=(change,)),
    )[number % 4]


def was_set_aside(plan: Plan, fan: Followed) -> bool:
    """Whether the operator changed the rate while the fan waited: then they are told that, and why."""
    called_at_ms = fan.told_at_ms + 1_000 * fan.waited_s
    return any(fan.told_at_ms < change.at_ms < called_at_ms for change in plan.rate_changes)


# Eight sales of an hour: half a minute.
@pytest.mark.timeout(300)
def test_eight_in_ten_followed_fans_were_called_when_they_were_told() -> None:
    """The ranges fans were told when they came, against when those very fans were called.

    Over all kinds of sales together, as no sale knows which kind it is: 83 % when this was written. Of
    those told in the first half minute 80 %, right or wrong by how many stay away. Of those who join
    the end of the line later 95 %: a wait as long as theirs has hardly ended before, so that they are
    told what is thought of a new sale, which is wide. docs/decisions/0009 has the same of sixteen sales,
    and says what narrower ones cost.
    """
    early: Counter[bool] = Counter()
    later: Counter[bool] = Counter()
    for number in range(SALES):
        plan = one_of_the_sales(number)
        for fan in held(plan, number).followed:
            if fan.p90 < TOLD_SECONDS_MIN or was_set_aside(plan, fan):
                continue
            told = early if fan.told_at_ms == EARLY_TOLD_AT_MS else later
            told[fan.p10 <= fan.waited_s <= fan.p90] += 1
    everybody = early + later
    print(early, later)
    assert everybody.total() > 1_500
    assert 0.75 <= everybody[True] / everybody.total() <= 0.85, everybody
    assert later[True] / later.total() >= 0.75, f"too narrow: {later}"


def test_an_outage_makes_the_line_slower_and_it_recovers() -> None:
    outcome = held(replace(PLAN, outages=(Outage(3 * MINUTE_MS, MINUTE_MS),)))

    entered = {moment.at_ms // MINUTE_MS: moment.entered for moment in outcome.moments}
    assert outcome.held_by["health"] > 60
    assert entered[4] < 400, "few enter a shop that fails"
    assert entered[8] > 550, "and as many as before when it is well"
    assert outcome.wait_s(0.9) > held(PLAN).wait_s(0.9)


def test_a_sale_with_few_seats_ends_when_they_are_gone() -> None:
    outcome = held(replace(PLAN, seats=2_000))

    assert outcome.is_sold_out
    assert outcome.seats_taken == 2_000
    assert outcome.waiting > 5_000
    assert outcome.held_by["stock"] > 0
    assert outcome.admitted < 3_000, "no more are let in than the seats can serve"


def test_a_full_house_holds_the_calls() -> None:
    outcome = held(replace(PLAN, fans=4_000, capacity=300))

    assert outcome.held_by["capacity"] > outcome.held_by["rate"]
    assert outcome.inside_most <= 300


def test_a_pause_lets_nobody_in() -> None:
    changes = (RateChange(2 * MINUTE_MS, 0), RateChange(5 * MINUTE_MS, 600))
    outcome = held(replace(PLAN, fans=4_000, rate_changes=changes))

    entered = {moment.at_ms // MINUTE_MS: moment.entered for moment in outcome.moments}
    # The minute that ends with the resuming sees its first fan.
    assert entered[3] == entered[4] == 0
    assert entered[5] <= 1
    assert entered[7] > 500
    assert outcome.held_by["paused"] == 2 * 3 * 60
    assert outcome.called == 4_000


def test_a_seed_is_one_sale() -> None:
    plan = replace(PLAN, fans=2_000)

    assert held(plan, 7).waits_s == held(plan, 7).waits_s
    assert held(plan, 7).waits_s != held(plan, 8).waits_s
