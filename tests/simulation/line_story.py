"""One sale's line, told by a seed: fans join, are called, are let in; stores are lost, clocks step."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from groundwork.redis_store import RedisStore
from tests.simulation.line_in_redis import ANSWER_MS, VISIT_MS, LineInRedis
from tests.simulation.script_caller import EPOCH, ScriptCaller

STEPS = 350
PLACES_LEASED = 25
# Nobody is sent away for a shorter while: lua/includes/tokens.lua.
EARLY_MS = 100
# Processes that call places, each with a memory of its own.
PROCESSES = 3


@dataclass
class Fan:
    """What a fan has in hand: a signed ticket with a place, and perhaps a visit."""

    fan_id: str
    place: int = 0
    visit_id: str = ""
    visit_ends_at: int = 0


class LineStory:
    """Each step one fan, process or disaster acts; the ledger keeps what PostgreSQL keeps."""

    def __init__(self, store: RedisStore, seed: int) -> None:
        self.rng = random.Random(seed)
        self.call = ScriptCaller(store, EPOCH)
        self.line = LineInRedis(self.call, f"story-{seed}")
        self.line.rate_per_minute = self.rng.choice([60, 600, 3_000])
        self.line.burst = max(1, self.line.rate_per_minute // 60)
        self.line.capacity = self.rng.choice([3, 10, 1_000])
        self.loses_stores = self.rng.random() < 0.5
        self.fans = [Fan(f"fan-{number}") for number in range(self.rng.choice([30, 120]))]
        self.ceiling, self.noted_place, self.noted_serving = 0, 0, 0
        self.given: dict[int, str] = {}
        self.proofs: dict[str, str] = {}
        self.told = [0] * PROCESSES
        self.began_at, self.admitted = self.line.now, 0
        self.steps: list[str] = []
        self.happened: Counter[str] = Counter()

    async def tell(self) -> Counter[str]:
        """Run the story to its end and answer what happened how often."""
        await self.call.store.call("FLUSHDB")
        await self.open()
        acts: list[tuple[Callable[[], Awaitable[None]], float]] = [
            (self.join, 6), (self.steal_a_proof, 1), (self.call_places, 8), (self.come, 6),
            (self.leave, 2), (self.be_seen, 1), (self.note, 2), (self.let_time_pass, 6),
        ]  # fmt: skip
        if self.loses_stores:
            acts += [(self.back_up, 1), (self.lose_the_last_moments, 0.3), (self.lose_all, 0.3)]
        for _ in range(STEPS):
            act = self.rng.choices([act for act, _ in acts], [weight for _, weight in acts])[0]
            self.steps.append(act.__name__)
            await act()
            await self.check()
        await self.end()
        return self.happened

    def lease(self) -> int:
        """Raise the ceiling in PostgreSQL; answer the one before."""
        before, self.ceiling = self.ceiling, self.ceiling + PLACES_LEASED
        return before

    async def open(self) -> None:
        """Begin the line in the caller's epoch, as gateway/waiting_room/line.py does."""
        await self.call.load()
        leased = self.lease()
        answer = await self.line.open(self.noted_place, leased, self.ceiling, self.noted_serving)
        assert answer[0] == "opened"

    async def join(self) -> None:
        """A fan asks for a place, perhaps again."""
        fan = self.rng.choice(self.fans)
        proof = f"work-{len(self.steps)}"
        answer = await self.line.join(fan.fan_id, proof, f"jti-{len(self.steps)}")
        self.happened[answer[0]] += 1
        if answer[0] == "no_places":
            self.lease()
            await self.line.raise_ceiling(self.ceiling)
            return
        assert answer[0] in ("joined", "joined_before"), answer
        self.proofs[proof] = fan.fan_id
        place = answer[1]
        assert place <= self.ceiling, f"place {place} was never leased"
        assert self.given.setdefault(place, fan.fan_id) == fan.fan_id, f"place {place} given twice"
        if fan.place and not self.loses_stores:
            assert fan.place == place, f"{fan.fan_id} had another place"
        fan.place = fan.place or place

    async def steal_a_proof(self) -> None:
        """Somebody tries a proof that another fan has spent."""
        if self.proofs and not self.loses_stores:
            proof = self.rng.choice(list(self.proofs))
            answer = await self.line.join("thief", proof)
            assert answer == ["replayed", "proof"], f"a spent proof was good for {answer}"
            self.happened["replayed"] += 1

    async def call_places(self) -> None:
        """A process moves the line and tells its fans how far."""
        process = self.rng.randrange(PROCESSES)
        self.line.serving_seen = self.told[process]
        stands = await self.line.call_places()
        assert stands["serving"] >= self.told[process], "the serving number went back"
        assert stands["serving"] <= stands["last_place"]
        self.told[process] = stands["serving"]
        self.happened["called"] += stands["called_now"]
        if not self.loses_stores:
            taken = stands["inside"] + stands["calls_open"] + stands["at_turnstile"]
            assert taken <= self.line.capacity, "too many inside"

    async def come(self) -> None:
        """A fan with a ticket asks to be let in."""
        waiting = [fan for fan in self.fans if fan.place]
        if not waiting:
            return
        called = [fan for fan in waiting if fan.place <= max(self.told)]
        fan = self.rng.choice(called if called and self.rng.random() < 0.7 else waiting)
        ends_at = await self.call.store.call("ZSCORE", self.line.keys["visits"], fan.fan_id)
        is_inside = ends_at is not None and float(ends_at) > self.line.now
        token = await self.call.store.call("ZSCORE", self.line.keys["turnstile"], fan.fan_id)
        answer = await self.line.admit(fan.fan_id, fan.place, f"visit-{len(self.steps)}")
        self.happened[answer[0]] += 1
        assert (answer[0] == "admitted_before") == is_inside, "one fan, one visit"
        if answer[0] == "admitted":
            assert fan.place <= max(self.told), "let in before being called"
            fan.visit_id, fan.visit_ends_at = answer[1], answer[2]
            # Who came back too late for their token took the next one, and did not wait for it.
            self.admitted += token is None or float(token) > 0
            early_ms = self.line.now - self.began_at + EARLY_MS
            flowed = early_ms * self.line.rate_per_minute / 60_000
            if not self.loses_stores:
                assert self.admitted <= flowed + self.line.burst + 1, "more than flowed in"
        elif answer[0] == "admitted_before":
            assert self.loses_stores or answer[1:] == [fan.visit_id, fan.visit_ends_at]
            assert answer[2] > self.line.now, "a visit that has ended"
        elif answer[0] == "not_called" and not self.loses_stores:
            assert fan.place > max(self.told), "called, and sent away"

    async def leave(self) -> None:
        """A fan ends their visit."""
        inside = [fan for fan in self.fans if fan.visit_id]
        if inside:
            fan = self.rng.choice(inside)
            await self.line.end_visit(fan.fan_id)
            fan.visit_id = ""

    async def be_seen(self) -> None:
        """Some fans make requests with the pass they have; the others fall silent."""
        for fan in self.fans[::2]:
            if fan.visit_id:
                ends_at = fan.visit_ends_at
                await self.line.touch([fan.fan_id], silent_ms=60_000, pass_ends_at=ends_at)

    async def note(self) -> None:
        """The worker makes the line's progress durable."""
        stored = await self.call.store.call(
            "HMGET", self.line.keys["line"], "last_place", "serving"
        )
        self.noted_place = max(self.noted_place, int(stored[0]))
        self.noted_serving = max(self.noted_serving, int(stored[1]))

    async def let_time_pass(self) -> None:
        """A tick, a while, or so long that nobody is waited for any more."""
        self.line.now += self.rng.choice([1, 90, 250, 1_000, 10_000, ANSWER_MS])

    async def back_up(self) -> None:
        """Everything until now has reached the disk."""
        for key in self.line.keys.values():
            await self.call.store.call("DEL", f"{key}:disk")
            await self.call.store.call("COPY", key, f"{key}:disk")
        await self.note()

    async def lose_the_last_moments(self) -> None:
        """Redis comes back with what the disk had."""
        if not await self.call.store.call("EXISTS", self.line.keys["line"] + ":disk"):
            return
        for key in self.line.keys.values():
            await self.call.store.call("DEL", key)
            await self.call.store.call("COPY", f"{key}:disk", key)
        await self.begin_epoch("lost the last moments")

    async def lose_all(self) -> None:
        """Redis comes back empty."""
        await self.call.store.call("FLUSHDB")
        await self.begin_epoch("lost all")

    async def begin_epoch(self, why: str) -> None:
        """The fence stands until one process has opened the line again."""
        self.happened[why] += 1
        self.call.epoch += 1
        await self.call.load()
        assert (await self.line.join("early"))[0] in ("not_loaded", "fenced")
        await self.open()

    async def check(self) -> None:
        """What the store itself says about the house."""
        if self.loses_stores:
            return
        inside = await self.call.store.call(
            "ZCOUNT", self.line.keys["visits"], f"({self.line.now}", "+inf"
        )
        assert inside <= self.line.capacity, f"{inside} are inside, for {self.line.capacity}"
        last_place = int(await self.call.store.call("HGET", self.line.keys["line"], "last_place"))
        assert last_place <= self.ceiling

    async def end(self) -> None:
        """Disasters stop: then everybody who waits is called before long."""
        self.loses_stores = True  # the last fans may come late; only liveness counts now
        for _ in range(600):
            self.line.now += max(VISIT_MS, ANSWER_MS)
            await self.call_places()
            if min(self.told) >= max(self.given, default=0):
                return
        raise AssertionError(f"the line stands still at {self.told}, of {max(self.given)}")


async def tell_line_story(store: RedisStore, seed: int) -> Counter[str]:
    """Run one seed; on failure say which, and what happened last."""
    story = LineStory(store, seed)
    try:
        return await story.tell()
    except AssertionError as error:
        last = "\n  ".join(story.steps[-30:])
        raise AssertionError(f"line seed={seed}: {error}\nthe last steps:\n  {last}") from error
