"""Sales held ahead of time: what a minute delivers of the asked rate, and how many told waits hold.

No clock and no floor: the shipped pacing and told waits on a virtual clock, over kinds of sales.
"""

import random
from dataclasses import replace
from typing import Final

from bench.report import Row
from gateway.simulation.outcome import DELIVERED_PART, Outcome
from gateway.simulation.plan import MINUTE_MS, Outage, Plan, RateChange
from gateway.simulation.simulation import Simulation

# An hour of a crowd that waits; long enough that most is told of a rate that was measured.
SALE: Final = Plan(fans=60_000, rate_per_minute=1_000, capacity=60_000, no_show=0.3)
SALES: Final = (
    SALE,
    replace(SALE, no_show=0.0),
    replace(SALE, no_show=0.4),
    replace(SALE, outages=(Outage(10 * MINUTE_MS, 2 * MINUTE_MS),)),
    replace(SALE, rate_changes=(RateChange(15 * MINUTE_MS, 1_500),)),
    replace(SALE, capacity=2_500),
)
# What ranges from the tenth to the ninetieth percentile are meant to hold, and what they may be off.
HELD_PART, HELD_OFF_MAX = 0.8, 0.05


def measure_ahead(fans: int, kinds: int, seeds: int) -> list[Row]:
    """Return the rows of pacing and of told waits, over so many kinds of sales and seeds."""
    outcomes = [
        Simulation(scaled(plan, fans), random.Random(seed)).run()
        for seed in range(1, seeds + 1)
        for plan in SALES[:kinds]
    ]
    return [pacing_row(outcomes), told_row(outcomes)]


def scaled(plan: Plan, fans: int) -> Plan:
    """Return the sale for another number of fans, as long as before."""
    part = fans / plan.fans
    return replace(
        plan,
        fans=fans,
        rate_per_minute=max(1, round(plan.rate_per_minute * part)),
        capacity=max(1, round(plan.capacity * part)),
        rate_changes=tuple(
            replace(change, per_minute=max(1, round(change.per_minute * part)))
            for change in plan.rate_changes
        ),
    )


def pacing_row(outcomes: list[Outcome]) -> Row:
    """Return the worst minute of all."""
    minutes = sum(outcome.delivered.minutes for outcome in outcomes)
    kept = sum(outcome.delivered.kept for outcome in outcomes)
    worst = 100 * max(outcome.delivered.worst for outcome in outcomes)
    return Row(
        path="pacing",
        ours=round(worst, 2),
        floor=0.0,
        ratio=0.0,
        budget=100 * DELIVERED_PART,
        unit="% that the worst minute with demand was off the asked rate",
        judged_by="ours <= budget",
        met=worst <= 100 * DELIVERED_PART,
        note=(
            f"{len(outcomes)} simulated sales, with up to 40 % no-shows, an outage, another rate, a"
            f" full house; {kept:,} of {minutes:,} minutes (one begins with every half second) within it"
        ),
    )


def told_row(outcomes: list[Outcome]) -> Row:
    """Return how many of the told ranges held."""
    told = sum(outcome.ranges_told for outcome in outcomes)
    kept = sum(outcome.ranges_kept for outcome in outcomes)
    part = kept / max(1, told)
    return Row(
        path="told_waits",
        ours=round(100 * part, 1),
        floor=100 * HELD_PART,
        ratio=round(part / HELD_PART, 3),
        budget=100 * HELD_OFF_MAX,
        unit="% of the told ranges (p10 to p90) that held",
        judged_by="|ours - floor| <= budget",
        met=abs(part - HELD_PART) <= HELD_OFF_MAX,
        note=f"the same sales; {kept:,} of {told:,}; the floor is what is meant",
    )
