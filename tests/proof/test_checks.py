"""Every check passes a good history, and catches the bug that is planted for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from groundwork.clock import SystemClock
from onsale.prove.checks.linear import Deed, is_possible
from onsale.prove.checks.sometimes import never_met
from onsale.prove.checks.verdict import CHECKS, judge
from onsale.prove.history import ENCODER, Fault, History, Recorder, read_history
from tests.proof.made_history import (
    EVENT,
    FAN,
    OTHER,
    board,
    good_history,
    held,
    hold_row,
    intent,
    op,
    order_row,
    sold,
)

Plant = Callable[[History], object]


@dataclass(frozen=True)
class Bug:
    """A bug, as it would show, and the checks that must see it."""

    name: str
    codes: tuple[str, ...]
    plant: Plant


def second_sale(history: History) -> None:
    """The unique key is gone: two buyers are told that A-1 is theirs."""
    history.ops += [
        held(20, "r9", 1_000, ("A-1",), fan=OTHER),
        sold(21, "o9", "r9", 1_100, fan=OTHER, seats=("A-1",), key="pay9", answer="x"),
    ]
    history.end.orders.append(
        order_row(order="o9", fan=OTHER, reservation="r9", key="pay9", payment="pi_9",
                  seats=("A-1",), amount=9_000)
    )  # fmt: skip
    history.end.tickets.append(("o9", EVENT, "A-1"))
    history.end.intents.append(intent(order="o9", payment="pi_9"))


def change_order(**changes: object) -> Plant:
    def plant(history: History) -> None:
        history.end.orders[0] = order_row(**changes)

    return plant


def change_intent(**changes: object) -> Plant:
    def plant(history: History) -> None:
        history.end.intents[0] = intent(**changes)

    return plant


def released_without_cancelling(history: History) -> None:
    """The deadline released the seats, and the money was taken afterwards."""
    history.end.orders.append(
        order_row(order="o8", key="pay8", state="RELEASED", reason="deadline", seats=("A-3",))
    )
    history.end.intents.append(intent(order="o8", payment="pi_8"))


def sold_from_expiring(history: History) -> None:
    """The handler sold an order whose payment was being cancelled."""
    history.end.intents[0] = intent(status="canceled", captured=0, captured_ms=0)


def acknowledged_before_commit(history: History) -> None:
    """The answer was given before the COMMIT, which then never came."""
    history.end.orders.clear()
    history.end.tickets.clear()
    history.end.claims.clear()
    history.end.intents.clear()
    history.end.events[0].shown = "0000"


def without_operation_id(history: History) -> None:
    """A script that was asked twice held twice: A-3 is held by r2 and, at once, by r4."""
    history.ops.append(held(30, "r4", 3_000, ("A-3",)))
    history.end.holds.append(hold_row(6, "held", "r4", 3_005))


def log_deduplicated_by_number_alone(history: History) -> None:
    """Numbers began anew after a loss, and the newer entries were taken for known ones."""
    history.end.holds = [row for row in history.end.holds if row.seq != 4]


def held_in_an_old_epoch(history: History) -> None:
    history.end.holds.append(hold_row(1, "sold", "r0", 1_500, epoch=2))


def snapshot_loses_a_seat(history: History) -> None:
    next(each for each in history.ops if each.verb == "look").numbers["state_0"] = 1


BUGS = [
    Bug("second sale", ("C1", "C8"), second_sale),
    Bug("stock oversold", ("C1",), change_order(stock={"print": 3})),
    Bug("sale lost", ("C2",), acknowledged_before_commit),
    Bug("read as released later", ("C2",), lambda h: h.ops.append(
        op(40, "read", 1_900, 1_910, order="o1", state="released"))),
    Bug("read as gone later", ("C2",), lambda h: h.ops.append(
        op(40, "read", 1_900, 1_910, order="o1", outcome="fail", status=404))),
    Bug("other seats than confirmed", ("C2", "C10"), change_order(seats=("A-1", "A-4"))),
    Bug("sale of nobody", ("C3",), change_order(key="never-sent")),
    Bug("doubt left", ("C4", "C16"), change_order(state="AUTHORIZING")),
    Bug("declined and sold", ("C4",), lambda h: h.ops.append(
        sold(40, "o1", "r1", 1_700, outcome="fail", status=402, state=""))),
    Bug("paid twice", ("C5",), lambda h: h.end.intents.append(intent(payment="pi_2"))),
    Bug("paid too little", ("C5",), change_intent(captured=8_999)),
    Bug("paid by another payment", ("C5",), change_intent(payment="pi_7")),
    Bug("captured before the commit", ("C5",), change_intent(captured_ms=1_000)),
    Bug("paid for nothing", ("C5",), lambda h: h.end.intents.append(
        intent(order="o404", payment="pi_4"))),
    Bug("released without cancelling", ("C5",), released_without_cancelling),
    Bug("sold from expiring", ("C5",), sold_from_expiring),
    Bug("authorisation left", ("C6",), lambda h: h.end.intents.append(
        intent(payment="pi_5", order="", status="requires_capture", captured=0))),
    Bug("no operation id", ("C7", "C8"), without_operation_id),
    Bug("repeat answered otherwise", ("C9",), lambda h: h.ops.append(
        sold(40, "o1", "r1", 1_700, answer="another"))),
    Bug("two orders of one key", ("C9",), lambda h: h.end.orders.append(
        order_row(order="o2", state="RELEASED", seats=("A-3",)))),
    Bug("other body accepted", ("C9",), lambda h: h.ops.append(op(40, "other-body", 1_700, 1_710))),
    Bug("stolen", ("C9",), lambda h: h.ops.append(op(40, "steal", 1_700, 1_710, fan=OTHER))),
    Bug("half a sale", ("C10",), lambda h: h.end.tickets.pop()),
    Bug("claim kept by a released order", ("C10",), lambda h: h.end.claims.append(
        (EVENT, "A-4", "o1", False))),
    Bug("a place given twice", ("C11",), lambda h: h.ops.append(
        op(40, "join", 300, 310, event="", fan="f_three", numbers={"place": 2}))),
    Bug("a place changed", ("C11",), lambda h: h.ops.append(
        op(40, "join", 300, 310, event="", numbers={"place": 3}))),
    Bug("called backwards", ("C11",), lambda h: h.ops.append(board(40, 1_000, 1))),
    Bug("let in uncalled", ("C11",), lambda h: h.ops.append(
        op(40, "admit", 600, 610, event="", fan=OTHER, numbers={"place": 3}))),
    Bug("let in with a forged place", ("C11",), lambda h: h.ops.append(
        op(40, "sneak", 600, 610, event="", fan=OTHER, numbers={"place": 2}))),
    Bug("map shows a sold seat as free", ("C12",), lambda h: setattr(
        h.end.events[0], "shown", "2000")),
    Bug("map shows a free seat as sold", ("C12",), lambda h: setattr(
        h.end.events[0], "shown", "2220")),
    Bug("Redis offers stock that is sold", ("C12",), lambda h: setattr(
        h.end.events[0], "stock_shown", {"print": 3})),
    Bug("snapshot loses a seat", ("C13",), snapshot_loses_a_seat),
    Bug("log deduplicated by number alone", ("C14",), log_deduplicated_by_number_alone),
    Bug("held in an old epoch", ("C15",), held_in_an_old_epoch),
    Bug("outbox left", ("C16",), lambda h: setattr(h.end, "outbox_open", 1)),
    Bug("never quiet", ("C16",), lambda h: setattr(h.end, "is_quiet", False)),
    Bug("capture not noted", ("C16",), change_order(captured_ms=0)),
]  # fmt: skip


def broken(history: History) -> set[str]:
    verdict = judge(history, [])
    return {finding.code for finding in verdict.findings if finding.broken}


def test_a_good_history_is_clean() -> None:
    verdict = judge(good_history(), [])
    assert verdict.is_clean, verdict.findings


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug: Bug) -> None:
    history = good_history()
    bug.plant(history)
    assert set(bug.codes) <= broken(history)


def test_every_check_has_a_bug_that_it_catches() -> None:
    caught = {code for bug in BUGS for code in bug.codes}
    assert {code for code, _, _ in CHECKS} == caught


def test_a_noted_gap_of_the_log_is_no_loss() -> None:
    history = good_history()
    log_deduplicated_by_number_alone(history)
    history.end.gaps.append((EVENT, 1, 4, 5))
    assert broken(history) == set()


def test_two_holds_of_different_epochs_may_overlap() -> None:
    """What a lost Redis forgot may be held by another: the first to claim wins."""
    history = good_history()
    history.ops.append(held(30, "r4", 3_000, ("A-3",)))
    history.end.holds.append(hold_row(1, "held", "r4", 3_005, epoch=2))
    assert "C7" not in broken(history)


@pytest.mark.parametrize(
    ("filled_ms", "is_lost"), [(2_200, True), (2_600, False)], ids=["before", "after"]
)
def test_a_hold_may_be_lost_when_its_event_is_filled_again_and_not_before(
    filled_ms: int, is_lost: bool
) -> None:
    history = good_history()
    history.ops.append(held(30, "r4", 2_400, ("A-3",)))
    history.end.holds.append(hold_row(1, "held", "r4", 2_405, epoch=2))
    assert "C8" in broken(history), "nothing tells why r2 should have ended"
    history.end.fills.append((f"event:{EVENT}", 2, filled_ms))
    assert ("C8" not in broken(history)) is is_lost


def test_a_hold_that_is_told_again_in_a_newer_epoch_is_of_the_old_one() -> None:
    history = good_history()
    history.end.holds.append(hold_row(1, "held", "r0", 8_000, epoch=2))
    history.ops.append(held(40, "r3", 8_100, ("A-3",)))
    assert "C15" not in broken(history)


def test_an_offer_is_of_the_last_refusal_before_it() -> None:
    history = good_history()
    for number, at_ms in ((40, 1_000), (41, 8_500)):
        history.ops.append(
            op(number, "hold", at_ms, at_ms + 10, outcome="fail", status=409, code="seats-taken",
               key=f"k-{number}")
        )  # fmt: skip
    history.end.holds += [
        hold_row(1, "held", "r5", 8_000, epoch=2),
        hold_row(9, "held", "r4", 8_505),
        hold_row(2, "accepted", "r4", 9_005, epoch=2),
    ]
    history.ops.append(held(42, "r4", 9_000, ("A-4",)))
    assert "C15" in broken(history)


@pytest.mark.parametrize("was_refused", [True, False])
def test_what_was_offered_was_held_by_the_refusal(was_refused: bool) -> None:
    """Its name is told only with its acceptance, which may be in a newer epoch."""
    history = good_history()
    if was_refused:
        history.ops.append(
            op(40, "hold", 7_000, 7_010, outcome="fail", status=409, code="seats-taken", key="k-40")
        )
    history.end.holds += [
        hold_row(9, "held", "r4", 7_005),
        hold_row(1, "held", "r5", 8_000, epoch=2),
        hold_row(2, "accepted", "r4", 8_105, epoch=2),
    ]
    history.ops.append(held(41, "r4", 8_100, ("A-4",)))
    assert ("C15" not in broken(history)) is was_refused


def test_a_fan_of_a_lost_redis_may_get_another_place() -> None:
    history = good_history()
    history.ops.append(op(40, "join", 9_000, 9_010, event="", numbers={"place": 30}))
    history.faults.append(
        Fault(name="redis-emptied", began_ms=8_000, ended_ms=8_500, is_fired=True, did="it")
    )
    assert "C11" not in broken(history)


def test_a_fault_that_never_fired_makes_the_run_void() -> None:
    history = good_history()
    assert "never: fault gateway-killed" not in never_met(history, ["gateway-killed"])
    assert "never: fault redis-killed" in never_met(history, ["redis-killed"])
    history.faults.append(
        Fault(name="redis-killed", began_ms=1, ended_ms=2, is_fired=False, did="nothing")
    )
    assert "never: fault redis-killed" in never_met(history, ["redis-killed"])
    assert judge(history, ["redis-killed"]).is_void


def test_a_seat_can_have_lived_what_overlaps_in_a_possible_order() -> None:
    """Two holds at once: one ended within the other's time, unseen by its owner."""
    deeds = [
        Deed("hold", "a", 0, 10), Deed("end", "a", 0, None),
        Deed("hold", "b", 5, 20), Deed("sell", "b", 30, 40),
    ]  # fmt: skip
    assert is_possible(deeds)
    assert is_possible(list(reversed(deeds)))


@pytest.mark.parametrize(
    "deeds",
    [
        [Deed("sell", "a", 0, 10)],
        [Deed("hold", "a", 0, 10), Deed("hold", "b", 20, 30)],
        [Deed("hold", "a", 0, 10), Deed("sell", "b", 20, 30)],
        [Deed("sell", "a", 20, 30), Deed("hold", "a", 40, 50)],
        [Deed("sell", "a", 0, 9, needs_hold=False), Deed("sell", "b", 0, 9, needs_hold=False)],
    ],
    ids=["unheld", "twice held", "sold to another", "held after its sale", "sold twice"],
)
def test_a_seat_cannot_have_lived_this(deeds: list[Deed]) -> None:
    assert not is_possible(deeds)


def test_a_history_comes_back_from_its_file(tmp_path: Path) -> None:
    history, path = good_history(), tmp_path / "history.jsonl"
    lines = [*history.faults, *reversed(history.ops), history.end]
    path.write_bytes(b"".join(ENCODER.encode(line) + b"\n" for line in lines))
    assert read_history(path) == history


def test_a_call_without_an_answer_stays_a_doubt(tmp_path: Path) -> None:
    with (tmp_path / "history.jsonl").open("wb") as file:
        recorder = Recorder(SystemClock(), file)
        recorder.end(recorder.begin(FAN, "complete", key="k"))
        recorder.begin(FAN, "complete", key="never answered")
    assert [each.outcome for each in recorder.history.ops] == ["unknown", "unknown"]
    assert len(read_history(tmp_path / "history.jsonl").ops) == 1
