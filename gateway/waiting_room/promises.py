"""Whether what fans were told of their wait held, and how far off it was: the record of a sale."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

# A shorter wait is told as "any moment", which is no range that could hold or not.
TOLD_SECONDS_MIN: Final = 30
# Each distance is promised some times within its own wait, so that no wait fills the record alone.
PROMISES_PER_WAIT: Final = 8
PROMISE_EVERY_MS_MIN: Final = 5_000
# As many as one distance can have open, with room for waits that grow while they last.
OPEN_MAX: Final = 4 * PROMISES_PER_WAIT
# Waits stray alike when they are about as long: each doubling is a class of its own.
CLASSES_MAX: Final = 14
SCORES_MAX: Final = 64
# What is thought of a new sale: no-shows make waits shorter, outages longer, by up to a half.
SCORES_PRIOR: Final = (-0.5, -0.35, -0.2, -0.07, 0.05, 0.18, 0.33, 0.5)
# Eight in ten hold: one in ten comes sooner, one later.
MISSED_PART: Final = 0.1
# How much one promise that held or not moves the likelihood that ranges are made for; an outage
# breaks dozens at once, and is forgotten within some hundred.
LEARNING: Final = 0.008
LEVEL_MIN, LEVEL_MAX = 0.004, 0.35


class EtaKept(msgspec.Struct, frozen=True):
    """Of `told` ranges whose end is known `kept` held; `set_aside` are those the operator changed.

    On the board: in all lanes of the sale together.
    """

    told: int
    kept: int
    set_aside: int


class PromiseRecord(msgspec.Struct, frozen=True):
    """What a record goes on from after a restart."""

    kept: EtaKept
    scores: list[list[float]]
    level_low: float
    level_high: float


@dataclass(slots=True)
class _Promise:
    """A place, when its wait was told, and what was told."""

    place: int
    at_ms: int
    seconds: float
    low: float
    high: float


class Straying:
    """How far waits have strayed from what was thought, as logarithms of their ratio.

    Quantiles of the record make the ranges. Which ones is itself corrected by how many ranges held,
    so that eight in ten do, however sales differ (adaptive conformal inference: Gibbs and Candès, 2021).
    """

    def __init__(
        self,
        scores: Sequence[Sequence[float]] = (),
        level_low: float = MISSED_PART,
        level_high: float = MISSED_PART,
    ) -> None:
        given = [*scores, *([()] * CLASSES_MAX)][:CLASSES_MAX]
        self.scores: list[deque[float]] = [deque(each, maxlen=SCORES_MAX) for each in given]
        self.level_low, self.level_high = level_low, level_high
        self._known: dict[int, list[float]] = {}

    def note(self, seconds: float, actual: float, low: float, high: float) -> None:
        """Take in what a wait was thought to be, was, and between what it was told to be."""
        number = _class_of(seconds)
        self.scores[number].append(math.log(max(actual, 1.0) / seconds))
        for each in (number - 1, number, number + 1):
            self._known.pop(each, None)
        self.level_low = _learned(self.level_low, is_missed=actual < low)
        self.level_high = _learned(self.level_high, is_missed=actual > high)

    def factors(self, seconds: float) -> tuple[float, float, float]:
        """Return by what to multiply a wait for its low end, its middle and its high end."""
        scores = self._sorted(_class_of(seconds))
        low = _quantile(scores, self.level_low)
        middle = _quantile(scores, 0.5)
        high = _quantile(scores, 1 - self.level_high)
        return math.exp(min(low, middle)), math.exp(middle), math.exp(max(high, middle))

    def _sorted(self, number: int) -> list[float]:
        """Return the scores of a class and its neighbours, with what was thought before any."""
        known = self._known.get(number)
        if known is None:
            near = self.scores[max(0, number - 1) : number + 2]
            known = sorted([*SCORES_PRIOR, *(score for scores in near for score in scores)])
            self._known[number] = known
        return known


@dataclass(slots=True)
class Promises:
    """Ranges told for chosen places of one lane, kept until the places are called."""

    straying: Straying = field(default_factory=Straying)
    told: int = 0
    kept: int = 0
    aside: int = 0
    _open: dict[int, deque[_Promise]] = field(default_factory=dict)
    _due_at_ms: dict[int, float] = field(default_factory=dict)

    @property
    def record(self) -> EtaKept:
        """Return how many ranges held so far."""
        return EtaKept(self.told, self.kept, self.aside)

    def to_record(self) -> PromiseRecord:
        """Return what to keep over a restart."""
        straying = self.straying
        return PromiseRecord(
            self.record,
            [list(scores) for scores in straying.scores],
            straying.level_low,
            straying.level_high,
        )

    def restore(self, record: PromiseRecord | None) -> None:
        """Go on from a record, if there is one; what was open then is forgotten."""
        if record is not None:
            self.told, self.kept = record.kept.told, record.kept.kept
            self.aside = record.kept.set_aside
            self.straying = Straying(record.scores, record.level_low, record.level_high)

    def is_due(self, distance: int, now_ms: int) -> bool:
        """Say whether another range at this distance is to be remembered."""
        return now_ms >= self._due_at_ms.get(distance, 0)

    def make(self, distance: int, now_ms: int, place: int, seconds: float) -> None:
        """Remember what the fan at a place is told now."""
        self._due_at_ms[distance] = now_ms + max(
            PROMISE_EVERY_MS_MIN, seconds * 1000 / PROMISES_PER_WAIT
        )
        if seconds < TOLD_SECONDS_MIN:
            return
        low, _, high = self.straying.factors(seconds)
        promises = self._open.setdefault(distance, deque(maxlen=OPEN_MAX))
        promises.append(
            _Promise(place, now_ms, seconds, math.floor(seconds * low), math.ceil(seconds * high))
        )

    def settle(self, now_ms: int, serving: int) -> None:
        """Look which of the places are called, and whether they were when they were said to be."""
        for promises in self._open.values():
            while promises and promises[0].place <= serving:
                promise = promises.popleft()
                actual = (now_ms - promise.at_ms) / 1000
                self.told += 1
                self.kept += promise.low <= actual <= promise.high
                self.straying.note(promise.seconds, actual, promise.low, promise.high)

    def set_aside(self) -> None:
        """Forget what is open: the operator changed what it was made from."""
        self.aside += sum(len(promises) for promises in self._open.values())
        self._open.clear()
        self._due_at_ms.clear()


def _class_of(seconds: float) -> int:
    return min(CLASSES_MAX - 1, max(0, math.floor(math.log2(max(seconds, 1) / TOLD_SECONDS_MIN))))


def _learned(level: float, *, is_missed: bool) -> float:
    moved = level + LEARNING * (MISSED_PART - is_missed)
    return min(LEVEL_MAX, max(LEVEL_MIN, moved))


def _quantile(scores: list[float], level: float) -> float:
    """Return the score below which such a part lies, straight lines between neighbours."""
    position = level * (len(scores) - 1)
    below = math.floor(position)
    above = min(below + 1, len(scores) - 1)
    return scores[below] + (scores[above] - scores[below]) * (position - below)
