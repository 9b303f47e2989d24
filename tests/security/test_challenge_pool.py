"""Riddles are made in the background, a bounded number, each given out once."""

import random
import time
from collections.abc import Callable

import pytest
from manual_clock import ManualClock

from gateway.bot_checks.challenge_pool import LEVELS, ChallengePool
from gateway.bot_checks.proof_of_work import ProofOfWork, fallback_cost
from groundwork.clock import SystemTokenSource
from groundwork.keys import KeyRing


def test_the_stock_fills_up_and_no_riddle_is_given_twice(ring: KeyRing) -> None:
    pool = ChallengePool(b"s" * 32, random.SystemRandom(), levels=(1, 2), riddles_max=16)
    assert pool.take(1) is None
    assert pool.take(3) is None
    seen: set[str] = set()
    with pool.running():
        wait_until(lambda: pool.count(1) == 16 and pool.count(2) == 2)
        while len(seen) < 24:
            for level in (1, 2):
                if riddle := pool.take(level):
                    assert riddle.nonce not in seen
                    seen.add(riddle.nonce)
        wait_until(lambda: pool.count(1) >= 8 and pool.count(2) >= 1)  # it woke up again
    assert pool.count(1) <= 16
    assert pool.count(2) <= 2


@pytest.mark.parametrize("level", LEVELS)
def test_a_fallback_is_as_much_work_and_quick_to_check(level: int) -> None:
    cost = fallback_cost(LEVELS[level])
    assert abs(cost * 16**3 - LEVELS[level].iterations) < 16**3
    assert cost < 4000  # less than a riddle, about two milliseconds for the few of the check


def test_starting_and_stopping_again_works(ring: KeyRing, clock: ManualClock) -> None:
    work = ProofOfWork(ring, clock, SystemTokenSource(), random.SystemRandom(), riddles_max=4)
    for _ in range(3):
        with work.running():
            wait_until(lambda: work.pool.count(1) >= 1)
            while work.pool.take(1):
                pass


def wait_until(is_true: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < ends_at
        time.sleep(0.001)
