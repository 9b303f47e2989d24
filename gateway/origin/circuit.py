"""A circuit breaker: who failed several times in a row rests, is tried once, and is trusted again."""

import random
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from groundwork.clock import Clock

# Each vain trial doubles the rest, up to the limit.
GROWTH: Final = 2.0
# Rests differ by so much, so that several processes do not all try at the same moment.
JITTER: Final = 0.2


class CircuitState(IntEnum):
    """The worse, the higher: the worst of several processes is their maximum."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Circuit:
    """Counts failures in a row. What began before the last change of state says nothing about now."""

    def __init__(
        self, clock: Clock, rng: random.Random, *, breaks_after: int, rest_ms: int, rest_ms_max: int
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._breaks_after = breaks_after
        self._rest_ms = rest_ms
        self._rest_ms_max = rest_ms_max
        self._failures = 0
        self._next_rest_ms = float(rest_ms)
        self._rests_until_ms = 0.0
        self._is_trying = False
        # Counts changes of state.
        self._turn = 0
        self.state = CircuitState.CLOSED
        self.on_change: Callable[[CircuitState], None] = lambda _state: None

    def look(self) -> CircuitState:
        """Return the state at this moment: an open circuit whose rest is over is half-open."""
        if self.state is CircuitState.OPEN and self._clock.monotonic_ms() >= self._rests_until_ms:
            self._change(CircuitState.HALF_OPEN)
        return self.state

    @property
    def takes_one(self) -> bool:
        """Whether a request may begin now: any when closed, one at a time when half-open."""
        state = self.look()
        return state is CircuitState.CLOSED or (
            state is CircuitState.HALF_OPEN and not self._is_trying
        )

    @property
    def rest_left_ms(self) -> float:
        """How long until a request may be tried; 0 when one may be now."""
        if self.look() is not CircuitState.OPEN:
            return 0.0
        return max(0.0, self._rests_until_ms - self._clock.monotonic_ms())

    def begin(self) -> int:
        """Note that a request begins. Returns its turn, to be named with its outcome."""
        assert self.takes_one, "asked before every request"
        self._is_trying = self.state is CircuitState.HALF_OPEN
        return self._turn

    def succeeded(self, turn: int) -> None:
        """Note a good outcome."""
        if turn != self._turn:
            return
        self._failures = 0
        if self.state is CircuitState.HALF_OPEN:
            self._next_rest_ms = float(self._rest_ms)
            self._change(CircuitState.CLOSED)

    def failed(self, turn: int) -> None:
        """Note a bad outcome."""
        if turn != self._turn:
            return
        self._failures += 1
        if self.state is CircuitState.HALF_OPEN or self._failures >= self._breaks_after:
            jitter = 1 + JITTER * self._rng.random()
            self._rests_until_ms = self._clock.monotonic_ms() + self._next_rest_ms * jitter
            self._next_rest_ms = min(self._next_rest_ms * GROWTH, self._rest_ms_max)
            self._change(CircuitState.OPEN)

    def abandoned(self, turn: int) -> None:
        """Note that nothing was learned: the fan left, or the body was refused."""
        if turn == self._turn:
            self._is_trying = False

    def _change(self, state: CircuitState) -> None:
        self.state = state
        self._turn += 1
        self._failures = 0
        self._is_trying = False
        self.on_change(state)
