"""A small history in which every promise was kept; tests plant one bug each."""

from typing import Any

from onsale.prove.history import (
    Ending,
    EventRow,
    Fault,
    History,
    HoldRow,
    IntentRow,
    Op,
    OrderRow,
)

EVENT = "hall"
SEATS = ("A-1", "A-2", "A-3", "A-4")
FAN, OTHER = "f_one", "f_two"


def op(number: int, verb: str, began_ms: int, ended_ms: int, **known: Any) -> Op:
    """A call of the first fan that was answered well, unless told otherwise."""
    defaults: dict[str, Any] = {"fan": FAN, "event": EVENT, "outcome": "ok", "status": 201}
    return Op(number=number, verb=verb, began_ms=began_ms, ended_ms=ended_ms, **defaults | known)


def held(number: int, reservation: str, at_ms: int, seats: tuple[str, ...], **known: Any) -> Op:
    """A hold that was granted for five seconds."""
    return op(
        number, "hold", at_ms, at_ms + 10, reservation=reservation, seats=seats,
        key=f"k-{reservation}", expires_at_ms=at_ms + 5_000, **known,
    )  # fmt: skip


def sold(number: int, order: str, reservation: str, at_ms: int, **known: Any) -> Op:
    """A completion that was answered with the sale."""
    defaults = {"seats": ("A-1", "A-2"), "key": "pay", "answer": "same", "state": "confirmed"}
    return op(
        number, "complete", at_ms, at_ms + 50, order=order, reservation=reservation,
        total=9_000, **defaults | known,
    )  # fmt: skip


def board(number: int, at_ms: int, serving: int) -> Op:
    """A look at the board that was made at that moment."""
    return op(
        number, "board", at_ms, at_ms + 5, event="", fan="", status=200,
        numbers={"serving": serving, "at_ms": at_ms},
    )  # fmt: skip


def order_row(**changes: Any) -> OrderRow:
    """The sale of A-1 and A-2 to the first fan."""
    return OrderRow(
        **{
            "order": "o1", "event": EVENT, "fan": FAN, "reservation": "r1", "key": "pay",
            "state": "SOLD", "reason": "", "amount": 9_000, "payment": "pi_1", "sold_ms": 1_120,
            "captured_ms": 1_200, "seats": ("A-1", "A-2"), "stock": {},
        }
        | changes
    )  # fmt: skip


def hold_row(seq: int, kind: str, reservation: str, at_ms: int, epoch: int = 1) -> HoldRow:
    """An entry of the hold log."""
    return HoldRow(
        event=EVENT, epoch=epoch, seq=seq, kind=kind, reservation=reservation, fan=FAN,
        seats=(0, 1), at_ms=at_ms,
    )  # fmt: skip


def intent(**changes: Any) -> IntentRow:
    """The payment of the sale."""
    return IntentRow(
        **{
            "payment": "pi_1", "order": "o1", "status": "succeeded", "amount": 9_000,
            "captured": 9_000, "refunded": 0, "captured_ms": 1_180,
        }
        | changes
    )  # fmt: skip


def good_history() -> History:
    """One sale, one hold that ran out, one lost race; everything as it should be."""
    looked = {"count": 4, "epoch": 1, "seq": 2, "state_0": 2, "state_1": 0, "state_2": 2,
              "state_3": 0}  # fmt: skip
    ops = [
        held(1, "r1", 1_000, ("A-1", "A-2")),
        op(2, "hold", 1_020, 1_030, fan=OTHER, outcome="fail", status=409, key="k-x",
           seats=("A-2",)),
        sold(3, "o1", "r1", 1_100),
        sold(4, "o1", "r1", 1_300),
        op(5, "read", 1_400, 1_410, order="o1", state="confirmed", seats=("A-1", "A-2")),
        op(6, "other-body", 1_500, 1_510, outcome="fail", status=422, key="pay"),
        op(7, "steal", 1_050, 1_060, fan=OTHER, outcome="fail", status=410, reservation="r1"),
        op(8, "look", 1_600, 1_610, numbers=looked),
        held(9, "r2", 2_000, ("A-3",), fan=OTHER),
        held(10, "r3", 7_500, ("A-3",)),
        op(11, "join", 100, 110, event="", numbers={"place": 1}),
        op(12, "join", 105, 120, event="", fan=OTHER, numbers={"place": 2}),
        op(13, "join", 130, 140, event="", numbers={"place": 1}),
        board(14, 200, 1),
        op(15, "admit", 210, 220, event="", numbers={"place": 1}),
        op(16, "sneak", 230, 240, event="", fan=OTHER, outcome="fail", status=401,
           numbers={"place": 2}),
        board(17, 900, 2),
    ]  # fmt: skip
    ending = Ending(
        at_ms=20_000,
        orders=[order_row()],
        tickets=[("o1", EVENT, "A-1"), ("o1", EVENT, "A-2")],
        claims=[(EVENT, "A-1", "o1", True), (EVENT, "A-2", "o1", True)],
        holds=[
            hold_row(1, "held", "r1", 1_005), hold_row(2, "sold", "r1", 1_150),
            hold_row(3, "held", "r2", 2_005), hold_row(4, "expired", "r2", 7_010),
            hold_row(5, "held", "r3", 7_505),
        ],
        gaps=[],
        fills=[(f"event:{EVENT}", 1, 500)],
        intents=[intent()],
        events=[
            EventRow(event=EVENT, seat_ids=SEATS, capacity={"print": 2}, shown="2200",
                     stock_shown={"print": 2})
        ],
        outbox_open=0,
        epoch=1,
        is_quiet=True,
    )  # fmt: skip
    faults = [Fault(name="gateway-killed", began_ms=1_200, ended_ms=1_900, is_fired=True, did="it")]
    return History(ops, faults, ending)
