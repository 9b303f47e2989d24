"""Seeds of whole sales, and the guards without which they fail."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from groundwork.redis_store import RedisStore, open_store
from tests.simulation.edited_scripts import take_out
from tests.simulation.seat_story import tell_seat_story

SEEDS = range(24)
# How many seeds a missing guard may hide from; each is found within a few.
SEEDS_WITHOUT_GUARD = range(30)


@pytest.fixture
async def store(clean_redis: str) -> AsyncIterator[RedisStore]:
    async with open_store(clean_redis) as store:
        yield store


async def test_whatever_happens_everything_adds_up(store: RedisStore) -> None:
    happened: Counter[str] = Counter()
    for seed in SEEDS:
        happened += await tell_seat_story(store, seed)

    # A story in which nothing happens proves nothing.
    for what in ("held", "taken", "over_limit", "sold_out", "gone", "extended", "refused", "lost",
                 "released", "settled", "settled_before", "swept", "lost reply", "late sale",
                 "claim refused"):  # fmt: skip
        assert happened[what] >= 3, f"too seldom: {what} ({happened[what]})"


async def test_a_seed_is_one_story(store: RedisStore) -> None:
    assert await tell_seat_story(store, 7) == await tell_seat_story(store, 7)


GUARDS = [
    ("hold_best", "if found ~= epoch then", "if false then"),
    ("hold_seats", "redis.call('SET', operation, reservation_id, 'PX', ARGV[8])", ""),
    ("hold_seats", "if #taken > 1 then", "if false then"),
    ("hold_seats", "GETRANGE', k.status, seat_index, seat_index) ~= '0'", "GET', k.status) == ''"),
    ("hold_seats", "if count + #seat_indexes > seats_max then", "if false then"),
    ("hold_best", "if count + quantity > seats_max then", "if false then"),
    ("hold_stock", "if count + quantity > seats_max then", "if false then"),
    ("hold_stock", "tonumber(redis.call('HGET', k.stock, tier) or 0) < quantity", "false"),
    # The memory of an operation: a repeat makes a second hold, or a second sale.
    ("hold_best", "redis.call('SET', operation, reservation_id, 'PX', ARGV[11])", ""),
    ("hold_stock", "redis.call('SET', operation, reservation_id, 'PX', ARGV[9])", ""),
    ("settle_hold", "if redis.call('GET', operation) then", "if false then"),
    # Whether a hold is alive.
    ("sweep_holds", "k.expiries, '-inf', now, 'LIMIT'", "k.expiries, '-inf', 0, 'LIMIT'"),
    ("sweep_holds", "k.expiries, '-inf', now, 'LIMIT'", "k.expiries, '-inf', '+inf', 'LIMIT'"),
    ("hold_best", "k.expiries, '-inf', now, 'LIMIT'", "k.expiries, '-inf', '+inf', 'LIMIT'"),
    ("hold_seats", "if text and ends_at <= now then", "if text then"),
    # What belongs to whom.
    ("release_hold", "if reservation.fan_id ~= fan_id then", "if false then"),
    ("hold_seats", "if redis.call('HGET', k.holders, field) == reservation_id then", "if false then"),
    ("settle_hold", "if other_text then", "if false then"),
    ("settle_hold", "== '0' then\n      table.insert(shown", "~= '9' then\n      table.insert(shown"),
    # The log.
    ("extend_hold", "append_log(meta, log, 'extended', reservation_id, text, now)",
     "redis.call('HINCRBY', meta, 'seq', 1)"),
    ("settle_hold", "append_log(k.meta, k.log, 'expired', other, other_text, now)", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "guard", "instead"), GUARDS)
async def test_the_story_fails_when_a_guard_is_taken_out(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch, name: str, guard: str, instead: str
) -> None:
    take_out(monkeypatch, name, guard, instead)

    with pytest.raises(AssertionError, match="seed="):
        for seed in SEEDS_WITHOUT_GUARD:
            await tell_seat_story(store, seed)
