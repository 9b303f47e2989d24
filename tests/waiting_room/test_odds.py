"""Odds: said late, never wrong where stock speaks for itself, and never better with less."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.waiting_room.odds import (
    DISTANCE_MAX,
    SEATS_PER_FAN_PRIOR,
    Crowd,
    Odds,
    odds_of,
    seats_per_fan,
)

# A sale of 10,000 in which each of 2,000 fans inside took two, and three of ten called never came.
HALF_WAY = Crowd(
    left=6_000, seats_max=8, taken=4_000, called=3_000, claimed=2_100, inside=100, open=90
)
counts = st.integers(0, 1_000_000)


@st.composite
def crowds(draw: Any) -> Crowd:
    called = draw(counts)
    claimed = draw(st.integers(0, called))
    return Crowd(
        left=draw(counts),
        seats_max=draw(st.integers(1, 20)),
        taken=draw(counts),
        called=called,
        claimed=claimed,
        inside=draw(st.integers(0, claimed)),
        open=draw(st.integers(0, called - claimed)),
    )


def test_half_way_through_a_sale() -> None:
    odds = odds_of(HALF_WAY)

    # By the mean, 5,600 seats for the line at 1.4 a called fan: the one at 4,000 is on the edge.
    assert 2_400 < odds.likely < 4_000 < odds.uncertain < 6_000
    assert seats_per_fan(HALF_WAY) == pytest.approx(2.0)


def test_before_anybody_was_measured_only_what_is_certain_is_said() -> None:
    new = Crowd(left=800, seats_max=8, taken=0, called=0, claimed=0, inside=0, open=0)

    assert odds_of(new) == Odds(100, DISTANCE_MAX), "a hundred who take all they may; who knows"
    assert seats_per_fan(new) == SEATS_PER_FAN_PRIOR
    assert seats_per_fan(replace(new, seats_max=1)) == 1


def test_nothing_left_is_likely_for_nobody() -> None:
    assert odds_of(replace(HALF_WAY, left=0)) == Odds(0, 0)


@given(crowds())
def test_likely_ends_where_uncertain_begins_or_before(crowd: Crowd) -> None:
    odds = odds_of(crowd)
    assert 0 <= odds.likely <= odds.uncertain <= DISTANCE_MAX


@given(crowds(), st.integers(0, 1_000_000))
def test_more_left_never_makes_it_worse(crowd: Crowd, more: int) -> None:
    less, better = odds_of(crowd), odds_of(replace(crowd, left=crowd.left + more))
    assert better.likely >= less.likely
    assert better.uncertain >= less.uncertain


@given(crowds(), st.integers(0, 1_000_000))
def test_fans_who_took_more_never_make_it_better(crowd: Crowd, more: int) -> None:
    fewer, worse = odds_of(crowd), odds_of(replace(crowd, taken=crowd.taken + more))
    assert worse.likely <= fewer.likely
    assert worse.uncertain <= max(fewer.uncertain, fewer.likely)


@given(crowds())
def test_nobody_is_told_unlikely_whom_the_stock_would_serve_whatever_others_take(
    crowd: Crowd,
) -> None:
    # Everybody before comes and takes all they may, and one seat is left.
    before = crowd.left // crowd.seats_max - crowd.inside - crowd.open - 1
    if before >= 0:
        assert odds_of(crowd).uncertain > before


@given(crowds())
def test_nobody_is_told_likely_without_a_seat_for_each_who_is_known_to_take_one(
    crowd: Crowd,
) -> None:
    """However little is known: who is told so has at least what was measured per fan left."""
    odds = odds_of(crowd)
    if odds.likely:
        measured = min(crowd.seats_max, crowd.taken / (crowd.ended + 20))
        came = crowd.claimed / (crowd.called + 20)
        used = (crowd.inside + crowd.open + (odds.likely - 1) * came) * measured
        assert used <= crowd.left + 1e-6 * crowd.left


@given(crowds())
def test_pacing_counts_on_a_seat_at_least_and_on_no_more_than_one_may_take(crowd: Crowd) -> None:
    assert 1 <= seats_per_fan(crowd) <= crowd.seats_max


@given(crowds())
def test_the_more_fans_were_measured_the_narrower_the_uncertain(crowd: Crowd) -> None:
    """Ten times as many of the same fans leave less room for doubt, for the same stock."""
    if crowd.taken > crowd.ended * crowd.seats_max:
        return  # more than they may: not the same fans
    known = replace(
        crowd, taken=10 * crowd.taken, called=10 * crowd.called, claimed=10 * crowd.claimed,
        inside=10 * crowd.inside, open=10 * crowd.open,
    )  # fmt: skip
    assert known.seats_most <= crowd.seats_most + 1e-9
    assert known.seats_least >= crowd.seats_least - 1e-9
