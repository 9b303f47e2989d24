"""Who fails in a row rests, is tried once, and is trusted again; retries stay within their budget."""

import random
from dataclasses import dataclass

import pytest

from gateway.origin.circuit import JITTER, Circuit, CircuitState
from gateway.origin.retry_budget import RetryBudget

CLOSED, HALF_OPEN, OPEN = CircuitState.CLOSED, CircuitState.HALF_OPEN, CircuitState.OPEN


@dataclass
class HandClock:
    """A clock moved by hand."""

    ms: float = 0.0

    def now_ms(self) -> int:
        return int(self.ms)

    def monotonic_ms(self) -> float:
        return self.ms

    async def sleep_ms(self, duration_ms: float) -> None:
        raise AssertionError("a circuit waits for nobody")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def circuit(clock: HandClock) -> Circuit:
    return Circuit(clock, random.Random(3), breaks_after=3, rest_ms=1000, rest_ms_max=5000)


def fail(circuit: Circuit, times: int) -> None:
    for _ in range(times):
        circuit.failed(circuit.begin())


def test_failures_in_a_row_open_it(circuit: Circuit) -> None:
    fail(circuit, 2)
    circuit.succeeded(circuit.begin())
    fail(circuit, 2)
    assert circuit.state is CLOSED
    fail(circuit, 1)
    assert circuit.state is OPEN
    assert not circuit.takes_one


def test_after_its_rest_it_is_tried_with_one(circuit: Circuit, clock: HandClock) -> None:
    fail(circuit, 3)
    clock.ms = 999
    assert not circuit.takes_one
    assert circuit.rest_left_ms > 0
    clock.ms = 1000 * (1 + JITTER)
    assert circuit.takes_one
    turn = circuit.begin()
    assert not circuit.takes_one, "one trial at a time"
    circuit.succeeded(turn)
    assert circuit.state is CLOSED


def test_vain_trials_double_the_rest_up_to_the_limit(circuit: Circuit, clock: HandClock) -> None:
    fail(circuit, 3)
    rests = []
    for _ in range(5):
        began = clock.ms
        rests.append(circuit.rest_left_ms)
        clock.ms = began + rests[-1]
        circuit.failed(circuit.begin())
    for rest, least in zip(rests, (1000, 2000, 4000, 5000, 5000), strict=True):
        assert least <= rest <= least * (1 + JITTER)
    clock.ms += circuit.rest_left_ms
    circuit.succeeded(circuit.begin())
    fail(circuit, 3)
    assert circuit.rest_left_ms <= 1000 * (1 + JITTER), "a success makes rests short again"


def test_what_began_before_says_nothing_about_now(circuit: Circuit, clock: HandClock) -> None:
    old = [circuit.begin() for _ in range(6)]
    for turn in old[:3]:
        circuit.failed(turn)
    assert circuit.state is OPEN
    circuit.failed(old[3])
    circuit.succeeded(old[4])
    assert circuit.state is OPEN
    clock.ms = 1300
    circuit.begin()
    circuit.failed(old[5])
    assert circuit.state is HALF_OPEN


def test_a_trial_that_taught_nothing_makes_room_for_another(
    circuit: Circuit, clock: HandClock
) -> None:
    fail(circuit, 3)
    clock.ms = 1300
    circuit.abandoned(circuit.begin())
    assert circuit.state is HALF_OPEN
    assert circuit.takes_one


def test_each_change_is_told_once(circuit: Circuit, clock: HandClock) -> None:
    told: list[CircuitState] = []
    circuit.on_change = told.append
    fail(circuit, 3)
    clock.ms = 1300
    for _ in range(3):
        circuit.look()
    circuit.succeeded(circuit.begin())
    assert told == [OPEN, HALF_OPEN, CLOSED]


def test_retries_are_a_share_of_requests() -> None:
    budget = RetryBudget(share=0.2, saved_max=5)
    assert [budget.spend() for _ in range(6)] == [True] * 5 + [False]
    made = 0
    for _ in range(100):
        budget.save()
        made += budget.spend()
    assert 19 <= made <= 20
    for _ in range(1000):
        budget.save()
    assert sum(budget.spend() for _ in range(100)) == 5, "no more is saved than the limit"
