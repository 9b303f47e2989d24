"""Codes: what people type for them, what is stored, and that each is used as often as it says."""

import asyncio
import random
from datetime import UTC, datetime

import pytest

from gateway.waiting_room.access_codes import ALPHABET, CODE_LETTERS, AccessCodes, normalised
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.errors import AccessCodeInvalid, RequestInvalid
from groundwork.postgres import Pool

SALE = "codes-sale"


@pytest.fixture
async def codes(pool: Pool) -> AccessCodes:
    async with pool.connection() as connection:
        for table in ("access_code_uses", "access_codes", "sales"):
            await connection.execute(f"DELETE FROM {table}")
    for sale_id in (SALE, "other-sale"):
        await SaleRecords(pool).create(
            Sale(
                sale_id=sale_id, name="Sale", opens_at=datetime.now(UTC), state="open",
                pause_reason="", message="", rate_per_minute=600, burst=10, capacity=100,
            )
        )  # fmt: skip
    return AccessCodes(pool, b"s" * 32)


async def made(
    codes: AccessCodes, count: int = 1, uses_max: int = 1, batch: str = "b"
) -> list[str]:
    return await codes.create(SALE, "members", count, uses_max, batch, random.SystemRandom())


async def outcome(codes: AccessCodes, code: str, fan: str, sale: str = SALE) -> str:
    """The lane, or why there is none."""
    try:
        return await codes.redeem(sale, code, fan)
    except AccessCodeInvalid as refusal:
        return refusal.reason


async def test_codes_are_many_different_and_easy_to_read(codes: AccessCodes) -> None:
    found = await made(codes, 5_000)
    assert len(set(found)) == 5_000
    letters = {letter for code in found for letter in code if letter != "-"}
    assert letters == set(ALPHABET)
    assert not letters & set("ILOU")
    assert {len(code) for code in found} == {CODE_LETTERS + 2}
    assert found != sorted(found), "the order says nothing about the others"


@pytest.mark.parametrize(
    "typed",
    ["ab01-cd1e-fgh2", "AB01CD1EFGH2", " ab01 cd1e fgh2\n", "aboi_cdle.fgh2", "ABO1–CDIE–FGH2",
     "ａｂ０１ｃｄ１ｅｆｇｈ２"],
)  # fmt: skip
def test_what_people_type_is_understood(typed: str) -> None:
    assert normalised(typed) == "AB01CD1EFGH2"


def test_a_code_of_any_length_costs_nothing() -> None:
    assert len(normalised("A" * 10_000_000)) == 64
    assert normalised("\u2603\x00") == ""


async def test_a_code_is_used_once_and_its_fan_may_ask_again(codes: AccessCodes) -> None:
    [code] = await made(codes)
    assert await outcome(codes, code, "ada") == "members"
    assert await outcome(codes, code.lower(), "ada") == "members", "a lost reply is asked for again"
    assert await outcome(codes, code, "bob") == "used-up"
    assert [lot.uses for lot in await codes.batches(SALE)] == [1]


async def test_of_many_at_once_as_many_win_as_there_are_uses(codes: AccessCodes) -> None:
    [code] = await made(codes, uses_max=3)
    outcomes = await asyncio.gather(*(outcome(codes, code, f"fan-{n // 2}") for n in range(24)))
    assert sorted(outcomes) == ["members"] * 6 + ["used-up"] * 18, "each fan asked twice"
    assert [lot.uses for lot in await codes.batches(SALE)] == [3]


async def test_a_code_is_for_one_sale_and_a_wrong_one_for_none(codes: AccessCodes) -> None:
    [code] = await made(codes)
    assert await outcome(codes, code, "ada", "other-sale") == "unknown"
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    for nonsense in (wrong, "", "x", "\u2603", "'; --", "\x00" * 70):
        assert await outcome(codes, nonsense, "ada") == "unknown"
    assert await outcome(codes, code, "ada") == "members"


async def test_what_is_revoked_lets_nobody_new_in(codes: AccessCodes) -> None:
    first, second = await made(codes, 2, uses_max=2, batch="leaked")
    [third] = await made(codes, batch="fine")
    assert await outcome(codes, first, "ada") == "members"
    assert await codes.revoke(SALE, code=second) == 1
    assert await codes.revoke(SALE, batch="leaked") == 1, "one of the two was revoked before"
    assert await outcome(codes, first, "bob") == "revoked"
    assert await outcome(codes, second, "bob") == "revoked"
    assert await outcome(codes, first, "ada") == "members", "who has used it keeps what it gave"
    assert await outcome(codes, third, "bob") == "members"
    lots = {lot.batch: (lot.codes, lot.uses, lot.revoked) for lot in await codes.batches(SALE)}
    assert lots == {"fine": (1, 1, 0), "leaked": (2, 1, 2)}


async def test_a_word_of_the_operators_choice(codes: AccessCodes) -> None:
    assert await codes.add(SALE, "fans", "Fan Club 2026", 2, "b") == "FANC1UB2026"
    assert await outcome(codes, "fanclub-2026", "ada") == "fans"
    for word in ("short", "", "-----!!!!!-----"):
        with pytest.raises(RequestInvalid):
            await codes.add(SALE, "fans", word, 1, "b")
    with pytest.raises(RequestInvalid):
        await codes.add(SALE, "fans", "FANCLUB2026", 1, "b")


@pytest.mark.parametrize(("count", "uses_max"), [(0, 1), (-1, 1), (100_001, 1), (1, 0), (1, 10**7)])
async def test_limits_are_said(codes: AccessCodes, count: int, uses_max: int) -> None:
    with pytest.raises(RequestInvalid):
        await made(codes, count, uses_max)


async def test_the_table_holds_no_code_and_no_hash_without_the_key(
    codes: AccessCodes, pool: Pool
) -> None:
    [code] = await made(codes)
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT row_to_json(c)::text FROM access_codes c")
        rows = [str(row[0]) for row in await cursor.fetchall()]
    assert len(rows) == 1
    assert normalised(code) not in rows[0]
    assert AccessCodes(pool, b"x" * 32).hash_of(SALE, code) != codes.hash_of(SALE, code)
    assert await outcome(AccessCodes(pool, b"x" * 32), code, "ada") == "unknown"
