"""From entries to places: sealed once, drawn once, whoever does it and whatever is lost on the way."""

import asyncio

import psycopg
import pytest
from draw_world import Process

from gateway.draw import order, permutation
from gateway.draw.clusters import digest_of
from gateway.draw.roster import CHUNK, leaf_of, root_by_path, root_of
from gateway.draw.seed import commitment_of, place_of_entry, seed_of
from groundwork.errors import RequestInvalid

FANS = [f"fan-{number}" for number in range(1, 41)]


async def test_everybody_who_entered_gets_one_of_the_places_and_late_fans_come_behind(
    process: Process,
) -> None:
    sale = await process.new_sale()
    numbers = await process.enter(sale, FANS)

    told = await process.drawn(sale)

    places = {fan: told.place_of(number, fan) for fan, number in numbers.items()}
    assert sorted(places.values()) == list(range(1, len(FANS) + 1))
    assert list(places.values()) != sorted(places.values()), "in the order of coming"
    assert (await process.join(sale, "late")).place == len(FANS) + 1
    assert (await process.join(sale, "later")).place == len(FANS) + 2
    again = await process.join(sale, FANS[7])
    assert (again.entry_number, again.place, again.is_new) == (numbers[FANS[7]], None, False)


@pytest.mark.parametrize("name", [permutation.NAME, order.NAME])
async def test_all_of_it_follows_from_what_is_published(process: Process, name: str) -> None:
    secret = bytes(range(32))
    sale = await process.new_sale(secret=secret, permutation=name)
    before = await process.told(sale)
    assert before.commitment == commitment_of(secret).hex()
    assert (before.state, before.seed, before.root) == ("committed", None, None)
    numbers = await process.enter(sale, FANS)
    told = await process.drawn(sale)

    leaves = [leaf_of(sale.sale_id, number, fan) for fan, number in numbers.items()]
    assert told.root == root_of(leaves).hex()
    digest = digest_of(b"") if name == order.NAME else None
    assert told.permutation == name
    assert told.seed == seed_of(secret, root_of(leaves), clusters=digest).hex()
    assert told.commitment == before.commitment
    for fan, number in numbers.items():
        expected = place_of_entry(bytes.fromhex(told.seed or ""), number, len(FANS), ())
        assert told.place_of(number, fan) == expected


async def test_the_secret_is_not_to_be_seen_before_the_order_is_final(process: Process) -> None:
    secret = b"\x5a" * 32
    sale = await process.new_sale(secret=secret)
    assert secret.hex() not in repr(await process.sales.get(sale.sale_id))

    await process.drawn(sale)

    draw = (await process.sales.get(sale.sale_id)).draw
    assert draw is not None
    assert draw.secret == secret.hex()


async def test_nothing_moves_before_the_draw_is_made(process: Process) -> None:
    sale = await process.new_sale()
    await process.enter(sale, FANS)
    await process.open(sale)
    sale = await process.sales.get(sale.sale_id)
    now_ms = process.clock.now_ms()

    assert (sale.phase(now_ms), sale.rate_now(now_ms)) == ("before", 0)
    assert (await process.line.call_places(sale, now_ms)).serving == 0
    await process.attend(sale)
    sale = await process.sales.get(sale.sale_id)
    assert (sale.phase(now_ms), sale.rate_now(now_ms)) == ("open", 60_000)
    line = await process.line.call_places(sale, now_ms)
    assert line.last_place == len(FANS)


async def test_a_draw_among_nobody_opens_the_line(process: Process) -> None:
    sale = await process.new_sale()

    told = await process.drawn(sale)

    assert told.count == 0
    assert (await process.join(sale, "first")).place == 1


async def test_before_the_opening_entries_become_durable_and_nothing_is_sealed(
    process: Process,
) -> None:
    sale = await process.new_sale()
    await process.enter(sale, FANS)

    draw = await process.attend(sale)

    assert (draw.state, draw.entries, draw.last_entry) == ("committed", len(FANS), len(FANS))
    assert await process.store.call("XLEN", process.keys(sale)["entries"]) == len(FANS)
    await process.attend(sale)
    assert await process.store.call("XLEN", process.keys(sale)["entries"]) == 0
    assert (await process.join(sale, "more")).entry_number == len(FANS) + 1


async def test_a_receipt_leads_every_fan_to_the_root(process: Process) -> None:
    sale = await process.new_sale()
    fans = [f"fan-{number}" for number in range(CHUNK + 30)]
    await asyncio.gather(*(process.join(sale, fan) for fan in fans))
    numbers = {fan: (await process.join(sale, fan)).entry_number for fan in fans[::97]}
    assert await process.receipts.of(sale.sale_id, (await process.attend(sale)), 1, "x") is None
    await process.drawn(sale)
    draw = (await process.sales.get(sale.sale_id)).draw
    assert draw is not None

    for fan, number in numbers.items():
        receipt = await process.receipts.of(sale.sale_id, draw, number, fan)
        assert receipt is not None
        assert bytes.fromhex(receipt.leaf) == leaf_of(sale.sale_id, number or 0, fan)
        path = [bytes.fromhex(node) for node in receipt.audit_path]
        root = root_by_path(bytes.fromhex(receipt.leaf), receipt.index, receipt.count, path)
        assert root is not None
        assert root.hex() == draw.root
    assert await process.receipts.of(sale.sale_id, draw, 1, "somebody else") is None
    assert await process.receipts.of(sale.sale_id, draw, 10**9, fans[0]) is None


async def test_two_processes_at_once_make_one_draw(two_processes: tuple[Process, Process]) -> None:
    one, other = two_processes
    sale = await one.new_sale()
    await one.enter(sale, FANS)
    await one.open(sale)

    await asyncio.gather(*(each.attend(sale) for each in (one, other, one)))

    drawn = {(await each.attend(sale)).seed for each in two_processes}
    assert len(drawn) == 1
    assert None not in drawn


async def test_joins_in_the_moment_of_sealing_are_in_the_roster_or_behind_it(
    two_processes: tuple[Process, Process],
) -> None:
    one, other = two_processes
    sale = await one.new_sale()
    await one.enter(sale, FANS)
    await one.open(sale)

    async def join(number: int) -> tuple[str, int | None, int | None]:
        await asyncio.sleep(number / 3000)
        joined = await other.join(sale, f"rush-{number}")
        return f"rush-{number}", joined.entry_number, joined.place

    rush = asyncio.gather(*(join(number) for number in range(300)))
    await asyncio.sleep(0.03)
    while (await one.attend(sale)).state != "drawn":
        pass
    found = await rush
    told = await one.told(sale)
    entered = [told.place_of(entry, fan) for fan, entry, _ in found if entry]
    behind = [place for _, _, place in found if place]
    assert entered
    assert behind
    assert told.count == len(FANS) + len(entered)
    assert all(place and place <= told.count for place in entered)
    assert sorted(behind) == list(range(told.count + 1, told.count + 1 + len(behind)))


async def test_what_was_published_cannot_be_changed_in_the_ledger(process: Process) -> None:
    sale = await process.new_sale()
    await process.enter(sale, FANS)
    await process.drawn(sale)

    for change in ("secret = '\\x00'", "state = 'committed'", "seed = sha256('x')", "entries = 1"):
        with pytest.raises(psycopg.errors.Error):
            async with process.pool.connection() as connection:
                await connection.execute(
                    f"UPDATE draws SET {change} WHERE sale_id = %s", (sale.sale_id,)
                )
    with pytest.raises(RequestInvalid):
        await process.sales.change(sale.sale_id, opens_at=sale.opens_at)


async def test_a_committed_secret_cannot_be_changed_either(process: Process) -> None:
    sale = await process.new_sale()
    for change in ("secret = sha256('x')", "permutation = 'mine'", "chain = '{}'"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            async with process.pool.connection() as connection:
                await connection.execute(
                    f"UPDATE draws SET {change} WHERE sale_id = %s", (sale.sale_id,)
                )
