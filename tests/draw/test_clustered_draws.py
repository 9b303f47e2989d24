"""Draws in which entries share chances: sealed with the roster, published, and worked out again."""

import asyncio
import base64
import hashlib
from collections.abc import Mapping, Sequence

import psycopg
import pytest
from draw_world import Process

from gateway.bot_checks.asked_from import AskedFrom
from gateway.draw import permutation
from gateway.draw.checking import Entry, check_draw, check_entry
from gateway.draw.clusters import FLOOR_MIN, chances_of, unpacked
from gateway.draw.document import document_of
from gateway.draw.entries import came_from
from gateway.draw.order import Share
from gateway.draw.roster import HASH_BYTES, leaf_of
from gateway.waiting_room.sales import Sale

FANS = 230
FARM = 60


def network(name: str) -> str:
    """A network as sales name it."""
    return base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()[:12]).decode()


FROM_FARM = came_from(AskedFrom("a", network("farm")), 7)


async def enter_with_farm(process: Process, sale: Sale) -> dict[str, int]:
    """Fans of networks of their own, and between them a farm of one; returns entry numbers in order."""
    fans = [
        (f"fan-{number}", came_from(AskedFrom("a", network(f"net-{number}")), number % 5))
        for number in range(FANS)
    ]
    farm = [(f"bot-{number}", FROM_FARM) for number in range(FARM)]
    numbers: dict[str, int] = {}
    # Into the roster in several pieces, and the farm within a moment.
    for part in (fans[:120], [*fans[120:130], *farm, *fans[130:140]], fans[140:]):
        numbers |= await enter_at_once(process, sale, part)
        await process.attend(sale)
    return dict(sorted(numbers.items(), key=lambda each: each[1]))


async def enter_at_once(
    process: Process, sale: Sale, fans: Sequence[tuple[str, str]]
) -> dict[str, int]:
    joined = await asyncio.gather(*(process.join(sale, fan, origin) for fan, origin in fans))
    return {fan: each.entry_number or 0 for (fan, _), each in zip(fans, joined, strict=True)}


@pytest.fixture
async def farmed(process: Process) -> tuple[Process, Sale, Mapping[str, int]]:
    sale = await process.new_sale()
    return process, sale, await enter_with_farm(process, sale)


Farmed = tuple[Process, Sale, Mapping[str, int]]


async def rows(process: Process, statement: str, *values: object) -> list[tuple[object, ...]]:
    async with process.pool.connection() as connection:
        return await (await connection.execute(statement, values)).fetchall()  # type: ignore[call-overload]


async def test_a_farm_shares_its_chances_and_everybody_has_a_place(farmed: Farmed) -> None:
    process, sale, numbers = farmed
    kept = await rows(process, "SELECT 1 FROM roster_origins WHERE sale_id = %s", sale.sale_id)
    assert kept, "until the sealing it is known where entries came from"

    told = await process.drawn(sale)

    chances = chances_of(FARM, FLOOR_MIN)
    assert told.draw.clusters.entries == FARM
    assert told.draw.clusters.chances == chances
    assert told.draw.clusters.histogram == ((FARM, chances, 1),)
    assert told.behind == FARM - chances
    places = {fan: told.place_of(number, fan) for fan, number in numbers.items()}
    assert sorted(places.values()) == list(range(1, FANS + FARM + 1))
    behind = {fan for fan, place in places.items() if place > FANS + chances}
    assert len(behind) == FARM - chances
    assert all(fan.startswith("bot-") for fan in behind)
    for fan, number in numbers.items():
        share = told.draw.share_of(number)
        if fan.startswith("fan-"):
            assert share is None
        else:
            assert share == Share(FARM, chances, fan not in behind)
    assert (await process.join(sale, "late")).place == FANS + FARM + 1
    kept = await rows(process, "SELECT 1 FROM roster_origins WHERE sale_id = %s", sale.sale_id)
    assert kept == [], "where entries came from is forgotten with the sealing"


async def test_anybody_can_work_it_out_again(farmed: Farmed) -> None:
    process, sale, numbers = farmed
    told = await process.drawn(sale)
    document = document_of(sale.sale_id, sale.opens_at, told.draw)
    of_it = "SELECT content FROM draw_clusters WHERE sale_id = %s"
    content = (await rows(process, of_it, sale.sale_id))[0][0]
    assert isinstance(content, bytes)
    leaves = b"".join(leaf_of(sale.sale_id, number, fan) for fan, number in numbers.items())

    assert [
        finding.what for finding in check_draw(document, leaves, content) if not finding.is_right
    ] == []
    for fan in ("fan-1", "bot-1", "bot-2", "bot-3"):
        finding, place = check_entry(document, leaves, content, Entry(numbers[fan], fan))
        assert finding.is_right
        assert place == told.place_of(numbers[fan], fan)
    # Who frees somebody of their cluster, or puts somebody else in, makes another hash and seed.
    (cluster,) = unpacked(content, len(leaves) // HASH_BYTES)
    freed = content[:4] + (len(cluster.members) - 1).to_bytes(4, "big") + content[8:-4]
    for tampered in (freed, b"", content[:-4] + (289).to_bytes(4, "big")):
        wrong = [f.what for f in check_draw(document, leaves, tampered) if not f.is_right]
        assert "the clusters are those that were sealed with the roster" in wrong
        assert "the seed comes of the secret, the root, the clusters" in wrong


async def test_a_draw_of_before_has_no_clusters_and_keeps_nothing(process: Process) -> None:
    sale = await process.new_sale(permutation=permutation.NAME)
    numbers = await enter_with_farm(process, sale)
    assert (
        await rows(process, "SELECT 1 FROM roster_origins WHERE sale_id = %s", sale.sale_id) == []
    )
    told = await process.drawn(sale)
    assert (told.draw.clusters, told.behind) == (None, 0)
    bots = [
        place for fan, n in numbers.items() if (place := told.place_of(n, fan)) and fan[0] == "b"
    ]
    assert min(bots) < FANS / 2 < max(bots)


async def test_entries_of_a_process_of_before_shift_nobody(farmed: Farmed) -> None:
    """It adds entries and no origins: those behind them keep theirs, and it may not end the draw."""
    process, sale, numbers = farmed
    await rows_changed(
        process,
        "UPDATE roster_origins SET origins = substring(origins FROM 1 FOR 14 * 270) WHERE sale_id = %s",
        sale.sale_id,
    )
    more = [(f"more-{number}", FROM_FARM) for number in range(FARM)]
    later = await enter_at_once(process, sale, more)
    told = await process.drawn(sale)
    members = {entry for entry in {**numbers, **later}.values() if told.draw.share_of(entry)}
    assert set(later.values()) < members
    assert not members & {entry for fan, entry in numbers.items() if fan.startswith("fan-")}


async def rows_changed(process: Process, statement: str, *values: object) -> int:
    async with process.pool.connection() as connection:
        return (await connection.execute(statement, values)).rowcount  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE draw_clusters SET chances = 0 WHERE sale_id = %s",
        "DELETE FROM draw_clusters WHERE sale_id = %s",
    ],
)
async def test_what_was_published_of_clusters_stays(process: Process, statement: str) -> None:
    sale = await process.new_sale()
    await process.enter(sale, ["ada", "bob"])
    await process.drawn(sale)
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        await rows_changed(process, statement, sale.sale_id)


async def test_a_process_that_knows_no_clusters_can_neither_seal_nor_draw(process: Process) -> None:
    sale = await process.new_sale()
    await process.enter(sale, ["ada"])
    await process.open(sale)
    seal = "UPDATE draws SET state = 'sealed', root = %s, sealed_at = now() WHERE sale_id = %s"
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="needs its clusters"):
        await rows_changed(process, seal, bytes(32), sale.sale_id)
    insert = """INSERT INTO draw_clusters (sale_id, content, digest, entries, chances, histogram)
        VALUES (%s, '', sha256(''), 0, 0, '[]')"""
    await rows_changed(process, insert, sale.sale_id)
    assert await rows_changed(process, seal, bytes(32), sale.sale_id) == 1
    draw = "UPDATE draws SET state = 'drawn', seed = %s, drawn_at = now() WHERE sale_id = %s"
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="needs its clusters"):
        await rows_changed(process, draw, hashlib.sha256(b"its own").digest(), sale.sale_id)
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="its clusters stay"):
        await rows_changed(process, insert, sale.sale_id)
