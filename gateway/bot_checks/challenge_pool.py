"""Proof-of-work riddles made ahead of time in a thread: giving one out costs a signature."""

import contextlib
import random
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import altcha

# PBKDF2 is the one slow function that every browser computes natively, without WebAssembly.
ALGORITHM: Final = "PBKDF2/SHA-256"
# Iterations per try. At 1000 a browser spends half its time on calls and native solvers gain
# twofold; at 5000 browsers are as fast as native code (measured).
COST: Final = 5000
KEY_BYTES: Final = 32
# A riddle takes 2.3 ms of one core to make and 600 bytes to keep, so this is 5 s of work and 1.2 MB
# per level: enough for the fans who arrive at one process in the seconds around an announcement.
RIDDLES_MAX: Final = 2048
STOP_WAIT_SECONDS: Final = (
    2  # the thread looks between two riddles; this is forgiving a busy machine
)
# Chrome on an M3 Pro: two million iterations in 130 ms. Graphics cards do them in less than one.
FASTEST_ITERATIONS_PER_MS: Final = 15_400


@dataclass(frozen=True)
class Level:
    """How much work a fan's browser does: the one counter that fits lies between 1 and this.

    Between 1: whoever reads here that none lies below another number begins there, and only fans
    would do the rest of the work.
    """

    counter_max: int

    @property
    def iterations(self) -> int:
        """The work of one average riddle."""
        return (1 + self.counter_max) * COST // 2


def solved_ms_min(counter: int) -> float:
    """Return how long finding a counter takes at least: four times as fast as any browser measured."""
    return counter * COST / (4 * FASTEST_ITERATIONS_PER_MS)


# Times on a cheap phone (Galaxy A14): 0.4 s and 1.5 s, and twice as much at worst. With more fans give up
# before farms notice.
EASY: Final = 1
HARD: Final = 2
# Six seconds, for the few who are asked for one more check; made without a stock.
EXTRA: Final = 3
LEVELS: Final[Mapping[int, Level]] = {EASY: Level(400), HARD: Level(1600), EXTRA: Level(6000)}
# A hard riddle takes four times as long to make, and few are asked for: one in eight of the stock.
HARD_PART: Final = 8


@dataclass(frozen=True, slots=True)
class Riddle:
    """What is fixed when a riddle is made; the rest of a challenge is added at giving out."""

    nonce: str
    salt: str
    key_prefix: str
    key_signature: str
    counter: int


class ChallengePool:
    """A bounded stock of riddles per level, refilled in the background; each is given out once.

    Start it in the process that serves (after any fork): two processes with the same stock would
    give the same riddle to two fans, and the second would be refused.

    rng draws the counters. In production it must be random.SystemRandom(): the counters of a seeded
    generator can be worked out from solved riddles, and who knows the counter need not search.
    """

    def __init__(
        self,
        key_secret: bytes,
        rng: random.Random,
        levels: tuple[int, ...] = (EASY,),
        riddles_max: int = RIDDLES_MAX,
    ) -> None:
        self._key_secret = key_secret
        self._rng = rng
        self._riddles_max = {
            level: riddles_max if level == EASY else max(1, riddles_max // HARD_PART)
            for level in levels
        }
        self._stock: dict[int, deque[Riddle]] = {level: deque() for level in levels}
        self._is_low = threading.Event()
        self._is_over = threading.Event()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Keep the stock filled while the block runs."""
        self._is_over.clear()
        thread = threading.Thread(target=self._fill, name="riddles", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            self._is_low.set()
            thread.join(STOP_WAIT_SECONDS)

    def take(self, level: int) -> Riddle | None:
        """Return a riddle nobody got before, or None when the stock of that level is empty."""
        stock = self._stock.get(level)
        if stock is None:
            return None
        try:
            riddle = stock.popleft()  # atomic; the thread only ever appends
        except IndexError:
            riddle = None
        # Refilled in bursts, not for every fan.
        if len(stock) < self._riddles_max[level] // 2 and not self._is_low.is_set():
            self._is_low.set()
        return riddle

    def count(self, level: int) -> int:
        """Return how many riddles of that level are ready."""
        return len(self._stock.get(level, ()))

    def _fill(self) -> None:
        while not self._is_over.is_set():
            self._is_low.clear()  # before looking: what is taken from here on sets it again
            wanting = [
                level
                for level, stock in self._stock.items()
                if len(stock) < self._riddles_max[level]
            ]
            for level in wanting:  # in turns, so that a raised level does not wait for the other
                self._stock[level].append(make_riddle(level, self._key_secret, self._rng))
            if not wanting and not self._is_over.is_set():
                self._is_low.wait()


def make_riddle(level: int, key_secret: bytes, rng: random.Random) -> Riddle:
    """Make a riddle by solving it: 2.3 ms of one core, the interpreter lock released."""
    counter = rng.randint(1, LEVELS[level].counter_max)
    parameters = altcha.create_challenge(
        ALGORITHM,
        COST,
        counter=counter,
        key_length=KEY_BYTES,
        # Signs a draft that is thrown away: without a secret the library leaves out the key
        # signature, too. The challenge proper is signed when it is given out.
        hmac_secret=key_secret,
        hmac_key_secret=key_secret,
    ).parameters
    assert parameters.key_signature
    return Riddle(
        parameters.nonce,
        parameters.salt,
        parameters.key_prefix,
        parameters.key_signature,
        counter,
    )
