"""Seeds of whole sales, and the guards without which they fail."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from groundwork.redis_store import RedisStore, open_store
from tests.simulation.edited_scripts import take_out
from tests.simulation.seat_story import tell_seat_story
from tests.simulation.seat_wishes import THOUSANDS

SEEDS = range(24)
SEEDS_OF_THOUSANDS = (1, 2, 3)
SEEDS_ON_EVERY_SERVER = range(24, 32)
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
                 "claim refused", "swapped", "paying", "kept", "orphan", "offer"):  # fmt: skip
        assert happened[what] >= 3, f"too seldom: {what} ({happened[what]})"


@pytest.mark.timeout(600)  # minutes, beside others
async def test_a_sale_to_thousands_adds_up_after_every_step(store: RedisStore) -> None:
    happened: Counter[str] = Counter()
    for seed in SEEDS_OF_THOUSANDS:
        happened += await tell_seat_story(store, seed, THOUSANDS)

    for what in ("held", "swapped", "extended", "released", "settled", "lost reply", "sold_out"):
        assert happened[what] >= 10, f"too seldom: {what} ({happened[what]})"


async def test_the_stories_are_the_same_on_every_server(any_redis_url: str) -> None:
    async with open_store(any_redis_url) as store:
        for seed in SEEDS_ON_EVERY_SERVER:
            await tell_seat_story(store, seed)


async def test_a_seed_is_one_story(store: RedisStore) -> None:
    assert await tell_seat_story(store, 7) == await tell_seat_story(store, 7)


REMEMBER = "redis.call('SET', operation_key, value, 'PX', operation_ms)"

GUARDS = [
    ("hold_best", "if found ~= epoch then", "if false then"),
    ("hold_seats", REMEMBER, ""),
    ("hold_seats", "if #taken > 0 then", "if false then"),
    ("swap_hold", "if #taken > 0 then", "if false then"),
    ("hold_seats", "elseif digit ~= '0' then", "elseif digit == '9' then"),
    ("hold_seats", "if count + #wish.seats > seats_max then\n    return", "if false then\n    return"),
    ("hold_best", "if count + wish.quantity > seats_max then", "if false then"),
    ("hold_stock", "if count + wish.quantity > seats_max then", "if false then"),
    ("swap_hold", "if count - old_count + new_count > seats_max then", "if false then"),
    ("hold_seats", "or count + #wish.seats > seats_max then\n    return refused", "then\n    return refused"),
    ("hold_stock", "tonumber(redis.call('HGET', k.stock, wish.tier) or 0) < wish.quantity", "false"),
    ("swap_hold", "is_missing = free + own_stock < wish.quantity", "is_missing = false"),
    # The memory of an operation: a repeat makes a second hold, swap or sale.
    ("hold_best", REMEMBER, ""),
    ("hold_stock", REMEMBER, ""),
    ("settle_hold", "if redis.call('GET', operation) then", "if false then"),
    # Whether a hold is alive.
    ("sweep_holds", "k.expiries, '-inf', now, 'LIMIT'", "k.expiries, '-inf', 0, 'LIMIT'"),
    ("sweep_holds", "k.expiries, '-inf', now, 'LIMIT'", "k.expiries, '-inf', '+inf', 'LIMIT'"),
    ("hold_best", "k.expiries, '-inf', now, 'LIMIT'", "k.expiries, '-inf', '+inf', 'LIMIT'"),
    ("hold_seats", "if ends_at and ends_at <= now then", "if ends_at then"),
    # What belongs to whom.
    ("release_hold", "if reservation.fan_id ~= fan_id then", "if false then"),
    ("settle_hold", "if other_text then", "if false then"),
    ("settle_hold", "if string.find('045',", "if string.find('0145',"),
    ("hold_seats", "local digit = redis.call('GETRANGE', k.allotment, seat_index, seat_index)",
     "local digit = '0'"),
    ("swap_hold", "if not wanted[seat_index] then", "if false then"),
    ("settle_hold", "if not is_ordered[seat_index] then", "if false then"),
    # The log.
    ("extend_hold", "append_log(k.meta, k.log, 'extended', reservation_id, text, now)",
     "redis.call('HINCRBY', k.meta, 'seq', 1)"),
    ("settle_hold", "end_hold(k, other, other_text, 'expired', now)",
     "free_hold(k, other, cjson.decode(other_text))"),
    ("swap_hold", "new.left, new.left_tier = left, old.tier", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "guard", "instead"), GUARDS)
async def test_the_story_fails_when_a_guard_is_taken_out(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch, name: str, guard: str, instead: str
) -> None:
    take_out(monkeypatch, name, guard, instead)

    with pytest.raises(AssertionError, match="seed="):
        for seed in SEEDS_WITHOUT_GUARD:
            await tell_seat_story(store, seed)
