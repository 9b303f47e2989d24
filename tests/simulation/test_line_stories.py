"""Seeds of whole lines, and the guards without which they fail."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from groundwork.redis_store import RedisStore, open_store
from tests.simulation.edited_scripts import take_out
from tests.simulation.line_story import tell_line_story

SEEDS = range(24)


@pytest.fixture
async def store(clean_redis: str) -> AsyncIterator[RedisStore]:
    async with open_store(clean_redis) as store:
        yield store


async def test_whatever_happens_the_line_is_kept(store: RedisStore) -> None:
    happened: Counter[str] = Counter()
    for seed in SEEDS:
        happened += await tell_line_story(store, seed)

    for what in ("joined", "joined_before", "no_places", "replayed", "called", "admitted",
                 "admitted_before", "not_called", "soon", "full",
                 "moved up by a code", "code used up", "place moved", "moved", "dead ticket", "kept",
                 "paused", "called in members", "called in press", "called in general",
                 "lost all", "lost the last moments"):  # fmt: skip
        assert happened[what] >= 3, f"too seldom: {what} ({happened[what]})"


async def test_a_seed_is_one_story(store: RedisStore) -> None:
    assert await tell_line_story(store, 3) == await tell_line_story(store, 3)


GUARDS = [
    # A place for each fan, once.
    ("join_line", "local place = tonumber(redis.call('HGET', places, member))", "local place = nil"),
    ("join_line", "if not entry and not place and last >= ceiling then", "if false then"),
    ("join_line", "if proof_of and proof_of ~= fan_id then", "if false then"),
    ("join_line", "if found ~= epoch then", "if false then"),
    ("open_line", "if leased > known then", "if false then"),
    # Nobody before their turn, and no more than there is room for.
    ("call_places", "math.min(wanted, room, served or wanted)", "math.min(wanted, served or wanted)"),
    ("call_places", "math.min(seen, last_place)", "0"),
    ("call_places", "math.max(0, capacity - taken)", "math.max(0, capacity - inside)"),
    ("admit_fan", "redis.call('HSET', line, 'spent', token)", ""),
    ("admit_fan", "if place > serving then", "if false then"),
    ("admit_fan", "if taken + ahead >= capacity then", "if false then"),
    ("admit_fan", "if visit and tonumber", "if false and tonumber"),
    # Each lane by itself, and the one before the other.
    ("join_line", "is_general and fan_id or lane .. '/' .. fan_id", "fan_id"),
    ("join_line", "local last = tonumber(redis.call('HGET', line, counter))", "local last = 0"),
    ("open_line", "open_at(lane.lane, lane.last_place, lane.leased,",
     "open_at(lane.lane, lane.last_place, 0,"),
    ("call_places", "lane, may_call - called_now,", "lane, may_call,"),
    ("call_places", "ipairs(cjson.decode(ARGV[7])) do",
     "ipairs({unpack(cjson.decode(ARGV[7]), 2), cjson.decode(ARGV[7])[1]}) do"),
    ("admit_fan", "lane_field('serving', lane)", "'serving'"),
    # A place that was moved is one fan's.
    ("join_line", "if redis.call('HEXISTS', moved, lane .. '/' .. fan_id) == 1 then", "if false then"),
    ("admit_fan", "if redis.call('HEXISTS', moved, lane .. '/' .. fan_id) == 1 then", "if false then"),
    ("move_place", "if moved_to then", "if false then"),
    ("move_place", "or redis.call('HEXISTS', moved, to) == 1 then", "then"),
    ("move_place", "if redis.call('ZSCORE', claims, fan_id) then", "if false then"),
    ("move_place", "redis.call('HDEL', places, is_general and fan_id or from)", ""),
    ("move_place", "is_general and to_fan_id or to, place", "to_fan_id, place"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "guard", "instead"), GUARDS)
async def test_the_story_fails_when_a_guard_is_taken_out(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch, name: str, guard: str, instead: str
) -> None:
    take_out(monkeypatch, name, guard, instead)

    with pytest.raises(AssertionError, match="seed="):
        for seed in SEEDS:
            await tell_line_story(store, seed)
