"""What happened in a run, as its buyers saw it: one JSON line each, to be judged now or years later."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

import msgspec

from groundwork.clock import Clock

# ok and fail are answers that leave no doubt; unknown is anything that may or may not have happened.
Outcome = Literal["ok", "fail", "unknown"]


class Op(msgspec.Struct, tag="op", omit_defaults=True, kw_only=True):
    """One call of one buyer, from sending it to its answer (moments of this machine's clock)."""

    number: int
    fan: str
    verb: str
    began_ms: int
    ended_ms: int = 0
    outcome: Outcome = "unknown"
    status: int = 0
    code: str = ""
    event: str = ""
    reservation: str = ""
    order: str = ""
    # The idempotency key, and a fingerprint of everything else that was sent.
    key: str = ""
    sent: str = ""
    # The seats that were asked for, or that the answer names; stock by tier.
    seats: tuple[str, ...] = ()
    stock: dict[str, int] = msgspec.field(default_factory=dict)
    total: int = 0
    # What the answer says of the order, and its fingerprint.
    state: str = ""
    answer: str = ""
    expires_at_ms: int = 0
    # Numbers that are of one verb alone: a place in line, how far it was called (and at which moment
    # of Redis's clock), counts of a snapshot.
    numbers: dict[str, int] = msgspec.field(default_factory=dict)


class Fault(msgspec.Struct, tag="fault", kw_only=True):
    """One fault, from its first moment to the last of its repair. Not fired: it found no victim."""

    name: str
    began_ms: int
    ended_ms: int
    is_fired: bool
    did: str = ""


class OrderRow(msgspec.Struct, kw_only=True):
    """An order as PostgreSQL has it in the end."""

    order: str
    event: str
    fan: str
    reservation: str
    key: str
    state: str
    reason: str
    amount: int
    payment: str
    sold_ms: int
    captured_ms: int
    seats: tuple[str, ...]
    stock: dict[str, int]


class HoldRow(msgspec.Struct, kw_only=True):
    """One entry of the hold log in PostgreSQL; seats by their index."""

    event: str
    epoch: int
    seq: int
    kind: str
    reservation: str
    fan: str
    seats: tuple[int, ...]
    at_ms: int


class IntentRow(msgspec.Struct, kw_only=True):
    """A payment as the provider has it in the end."""

    payment: str
    order: str
    status: str
    amount: int
    captured: int
    refunded: int
    captured_ms: int


class EventRow(msgspec.Struct, kw_only=True):
    """An event: what there is of it, and what Redis shows in the end (a digit a seat)."""

    event: str
    seat_ids: tuple[str, ...]
    capacity: dict[str, int]
    shown: str
    stock_shown: dict[str, int]


class Ending(msgspec.Struct, tag="ending", kw_only=True):
    """Everything the stores and the provider say once it is quiet."""

    at_ms: int
    orders: list[OrderRow]
    # Order, event, seat ("": a piece of stock).
    tickets: list[tuple[str, str, str]]
    # Event, seat, order, is it sold.
    claims: list[tuple[str, str, str, bool]]
    holds: list[HoldRow]
    # Event, epoch, the number that was expected, the one that came.
    gaps: list[tuple[str, int, int, int]]
    # Scope, epoch, when it was filled.
    fills: list[tuple[str, int, int]]
    intents: list[IntentRow]
    events: list[EventRow]
    outbox_open: int
    epoch: int
    # Whether it became quiet by itself within the time that repair may take.
    is_quiet: bool


Line = Op | Fault | Ending
DECODER = msgspec.json.Decoder(Line)
ENCODER = msgspec.json.Encoder()
Some = TypeVar("Some", Op, Fault)


@dataclass
class History:
    """All lines of a run, in memory for the checks."""

    ops: list[Op] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    ending: Ending | None = None

    def of(self, *verbs: str) -> list[Op]:
        """Return the calls of these verbs, in the order they began."""
        return [op for op in self.ops if op.verb in verbs]

    @property
    def end(self) -> Ending:
        """The ending; a history without one cannot be judged."""
        assert self.ending is not None, "the history has no ending"
        return self.ending


class Recorder:
    """Keeps the history of a running system, and writes each line as it becomes known."""

    def __init__(self, clock: Clock, file: IO[bytes] | None = None) -> None:
        self.history = History()
        self._clock = clock
        self._file = file
        self._numbers = 0

    def begin(self, fan: str, verb: str, **known: Any) -> Op:
        """Return a call that is unknown until `end`; it is in the history from now on."""
        self._numbers += 1
        op = Op(number=self._numbers, fan=fan, verb=verb, began_ms=self._clock.now_ms(), **known)
        self.history.ops.append(op)
        return op

    def end(self, op: Op) -> None:
        """Note that the answer came, or that nobody waits for it any more."""
        op.ended_ms = self._clock.now_ms()
        self._write(op)

    def note(self, fault: Fault) -> None:
        """Note a fault that is over."""
        self.history.faults.append(fault)
        self._write(fault)

    def conclude(self, ending: Ending) -> History:
        """Note the ending and return the whole."""
        self.history.ending = ending
        self._write(ending)
        return self.history

    def _write(self, line: Line) -> None:
        if self._file is not None:
            self._file.write(ENCODER.encode(line) + b"\n")


def read_history(path: Path) -> History:
    """Return a history from its file. Raises msgspec.MsgspecError for lines that are none."""
    history = History()
    with path.open("rb") as file:
        for text in file:
            match DECODER.decode(text):
                case Op() as op:
                    history.ops.append(op)
                case Fault() as fault:
                    history.faults.append(fault)
                case Ending() as ending:
                    history.ending = ending
    history.ops.sort(key=lambda op: op.number)
    return history
