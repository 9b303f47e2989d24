"""What operators did: written down with what they do, only added to, and checked."""

import asyncio

import psycopg
import pytest

from gateway.waiting_room.sales import SaleRecords
from groundwork.postgres import Pool
from tests.operator_access.conftest import TESTER, Desk, make_tour


async def run(pool: Pool, *statements: str) -> None:
    async with pool.connection() as connection:
        for statement in statements:
            await connection.execute(statement)


async def note(desk: Desk, pool: Pool, subject: str, reason: str = "") -> None:
    async with pool.connection() as connection:
        await desk.operators.log.add_within(
            connection, TESTER, "test", subject, reason, {"amount": 1}
        )


async def test_what_is_done_is_written_down_with_its_reason(desk: Desk, pool: Pool) -> None:
    await make_tour(pool)
    ada = await desk.signed_in("ada", "admin")
    for action, phase in (("pause", "paused"), ("resume", "open"), ("drain", "draining")):
        answer = await ada.ask(
            "POST", f"/operator/api/sales/tour/{action}", {"reason": f"because of {action}"}
        )
        assert answer.status == 200, answer
        assert answer.body["phase"] == phase
    changed = await ada.ask(
        "POST", "/operator/api/sales/tour/set", {"reason": "more demand", "rate_per_minute": 120}
    )
    assert changed.body["rate_per_minute"] == 120
    entries = (await ada.ask("GET", "/operator/api/log")).body["entries"]
    told = [(entry["action"], entry["subject"], entry["reason"]) for entry in entries[:5]]
    assert told == [
        ("set-sale", "tour", "more demand"),
        ("drain-sale", "tour", "because of drain"),
        ("resume-sale", "tour", "because of resume"),
        ("pause-sale", "tour", "because of pause"),
        ("sign-in", "ada", ""),
    ]
    assert {(entry["operator"], entry["by_what"]) for entry in entries[:5]} == {("ada", "session")}
    older = await ada.ask("GET", f"/operator/api/log?before={entries[4]['number']}")
    assert older.body["entries"][0]["number"] == entries[4]["number"] - 1
    assert (await ada.ask("GET", "/operator/api/log?before=x")).status == 400


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 501}])
async def test_without_a_reason_nothing_is_done(desk: Desk, body: dict[str, str]) -> None:
    ada = await desk.signed_in("ada", "operator")
    assert (await ada.ask("POST", "/operator/api/sales/tour/pause", body)).status == 400
    unknown = await ada.ask("POST", "/operator/api/sales/none/pause", {"reason": "a reason"})
    assert unknown.status == 404


async def test_what_is_refused_is_neither_done_nor_written_down(desk: Desk, pool: Pool) -> None:
    await make_tour(pool)
    ada = await desk.signed_in("ada", "operator")
    before, _, _ = await desk.operators.log.check()
    body = {"reason": "more room", "rate_per_minute": 90, "capacity": 0}
    refused = await ada.ask("POST", "/operator/api/sales/tour/set", body)
    assert (refused.status, refused.body["field"]) == (400, "capacity")
    assert (await desk.operators.log.check())[0] == before
    assert (await SaleRecords(pool).get("tour")).rate_per_minute == 60


async def test_what_cannot_be_written_down_is_not_done(desk: Desk, pool: Pool) -> None:
    await make_tour(pool)
    full_disk = "CONSTRAINT full_disk CHECK (action <> 'pause-sale') NOT VALID"
    await run(pool, f"ALTER TABLE operator_log ADD {full_disk}")
    ada = await desk.signed_in("ada", "operator")
    try:
        body = {"reason": "a reason"}
        assert (await ada.ask("POST", "/operator/api/sales/tour/pause", body)).status == 500
        assert (await SaleRecords(pool).get("tour")).state == "open"
    finally:
        await run(pool, "ALTER TABLE operator_log DROP CONSTRAINT full_disk")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE operator_log SET reason = 'another'",
        "DELETE FROM operator_log",
        "TRUNCATE operator_log",
    ],
)
async def test_entries_stay_as_they_are(desk: Desk, pool: Pool, statement: str) -> None:
    await note(desk, pool, "this")
    with pytest.raises(psycopg.errors.RestrictViolation, match="only added to"):
        await run(pool, statement)


async def test_many_at_once_make_one_chain(desk: Desk, pool: Pool) -> None:
    before, _, _ = await desk.operators.log.check()
    await asyncio.gather(*(note(desk, pool, f"{n}") for n in range(40)))
    count, last, broken = await desk.operators.log.check()
    assert broken is None
    assert count == before + 40
    assert len(last) == 64


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE operator_log SET reason = 'forged' WHERE number = {n}", "is not what was written"),
        ("UPDATE operator_log SET at_ms = at_ms + 1 WHERE number = {n}", "is not what was written"),
        ("DELETE FROM operator_log WHERE number = {n}", "is missing"),
        # Whoever hashes the changed entry anew breaks the one after it.
        (
            """UPDATE operator_log SET reason = 'forged' WHERE number = {n};
               UPDATE operator_log o SET hash = operator_log_hash_v1(o) WHERE number = {n}""",
            "does not follow the entry before it",
        ),
    ],
)
async def test_a_forger_with_all_rights_is_found_out(
    desk: Desk, pool: Pool, change: str, why: str
) -> None:
    for reason in ("first", "Zürich 🎟", "third"):
        await note(desk, pool, "this", reason)
    count, _, broken = await desk.operators.log.check()
    assert broken is None
    try:
        await run(
            pool,
            "CREATE TABLE kept_log AS TABLE operator_log",
            "ALTER TABLE operator_log DISABLE TRIGGER USER",
            *change.format(n=count - 1).split(";"),
        )
        _, _, broken = await desk.operators.log.check()
        assert broken is not None
        assert broken.why == why
        assert broken.number in (count - 1, count)
    finally:
        await run(
            pool,
            "DELETE FROM operator_log",
            "INSERT INTO operator_log SELECT * FROM kept_log",
            "ALTER TABLE operator_log ENABLE TRIGGER USER",
            "DROP TABLE kept_log",
        )
    assert (await desk.operators.log.check())[2] is None
