"""One sale's line, told by a seed: fans join its lanes, move their places, are called and let in.

Stores are lost, clocks step, the operator pauses; nobody is overtaken within their lane.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable

from groundwork.redis_store import RedisStore
from tests.simulation.line_books import GENERAL, LANES, PRIORITY, Books, Fan
from tests.simulation.line_checks import check_order, check_places, stored_lanes
from tests.simulation.line_in_redis import ANSWER_MS, VISIT_MS, LineInRedis
from tests.simulation.script_caller import EPOCH, ScriptCaller

STEPS = 350
# Nobody is sent away for a shorter while: lua/includes/tokens.lua.
EARLY_MS = 100
# Processes that call places, each with a memory of its own.
PROCESSES = 3
# Codes for each lane, each good for one fan: fewer than there are fans.
CODES_PER_LANE = 12
# Reading all places costs more than the other checks together.
PLACES_CHECKED_EVERY = 20


class LineStory:
    """Each step one fan, process or disaster acts; the books keep what PostgreSQL keeps."""

    def __init__(self, store: RedisStore, seed: int) -> None:
        self.rng = random.Random(seed)
        self.call = ScriptCaller(store, EPOCH)
        self.line = LineInRedis(self.call, f"story-{seed}", lanes=PRIORITY)
        self.line.rate_per_minute = self.rng.choice([60, 600, 3_000])
        self.line.burst = max(1, self.line.rate_per_minute // 60)
        self.line.capacity = self.rng.choice([3, 10, 1_000])
        self.loses_stores = self.rng.random() < 0.5
        self.is_paused = False
        # In a rush fans come faster than tokens flow in; else some come when nobody waits for them.
        rush = [1, 90, 250, 1_000]
        self.ticks = self.rng.choice([rush, [*rush, 10_000, ANSWER_MS]])
        self.fans = [Fan(f"fan-{number}") for number in range(self.rng.choice([30, 120]))]
        self.books = Books(
            {f"{lane}-{number}": lane for lane in PRIORITY for number in range(CODES_PER_LANE)}
        )
        # Whose each place is, by lane and place.
        self.given: dict[tuple[str, int], str] = {}
        self.highest: Counter[str] = Counter()
        self.proofs: dict[str, str] = {}
        # How far each process has told its fans that each lane was called.
        self.told: list[Counter[str]] = [Counter() for _ in range(PROCESSES)]
        self.began_at, self.admitted = self.line.now, 0
        self.steps: list[str] = []
        self.happened: Counter[str] = Counter()

    async def tell(self) -> Counter[str]:
        """Run the story to its end and answer what happened how often."""
        await self.call.store.call("FLUSHDB")
        await self.open()
        acts: list[tuple[Callable[[], Awaitable[None]], float]] = [
            (self.join, 6), (self.use_a_code, 1), (self.steal_a_proof, 1), (self.move_a_place, 1),
            (self.use_a_dead_ticket, 0.5), (self.call_places, 8), (self.come, 6), (self.leave, 2),
            (self.be_seen, 1), (self.note, 2), (self.let_time_pass, 6), (self.pause_or_resume, 0.6),
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

    def reached(self, lane: str) -> int:
        """How far any process has told that the lane was called."""
        return max(told[lane] for told in self.told)

    async def open(self) -> None:
        """Begin the line in the caller's epoch, as gateway/waiting_room/line.py does."""
        await self.call.load()
        if self.books.moved:
            await self.call.store.call("HSET", self.line.keys["moved"], *self.books.moved_fields)
        general = self.books.opening(GENERAL)
        lanes = [self.books.opening(lane) for lane in self.books.lanes_begun]
        del general["lane"]
        assert (await self.line.open(**general, lanes=lanes))[0] == "opened"

    async def join(self) -> None:
        """A fan asks for a place, perhaps again."""
        await self.join_as(self.rng.choice(self.fans))

    async def use_a_code(self) -> None:
        """A fan joins with a code; one that is another's opens nothing."""
        fan, code = self.rng.choice(self.fans), self.rng.choice(list(self.books.codes))
        before = self.books.lane_of(fan)
        if self.books.redeem(code, fan.fan_id):
            self.happened["moved up by a code"] += self.books.lane_of(fan) != before
            await self.join_as(fan)
        else:
            self.happened["code used up"] += 1

    async def join_as(self, fan: Fan) -> None:
        """This fan asks for a place in the best lane they may join."""
        lane, proof = self.books.lane_of(fan), f"work-{len(self.steps)}"
        answer = await self.line.join(fan.fan_id, proof, f"jti-{len(self.steps)}", lane)
        self.happened[answer[0]] += 1
        assert (answer[0] == "moved") == ((lane, fan.fan_id) in self.books.moved), "whose is it?"
        if answer[0] == "moved":
            return
        if answer[0] == "no_places":
            self.books.lease(lane)
            of = "ceiling" if lane == GENERAL else f"ceiling:{lane}"
            await self.line.raise_ceiling(self.books.ceilings[lane], of)
            return
        assert answer[0] in ("joined", "joined_before"), answer
        self.proofs[proof] = fan.fan_id
        place = answer[1]
        assert place <= self.books.ceilings[lane], f"place {place} was never leased"
        owner = self.given.setdefault((lane, place), fan.fan_id)
        assert owner == fan.fan_id, f"place {place} of {lane} given twice"
        if answer[0] == "joined":
            assert place > self.highest[lane], f"{fan.fan_id} overtakes others in {lane}"
            self.highest[lane] = place
        if lane != fan.lane:
            fan.lane, fan.place = lane, place
        if fan.place and not self.loses_stores:
            assert fan.place == place, f"{fan.fan_id} had another place"
        fan.place = fan.place or place

    async def move_a_place(self) -> None:
        """A device takes over the place of another, who has not been inside."""
        fan = self.rng.choice(self.fans)
        others = [each for each in self.fans if not each.place and each is not fan]
        if not fan.place or not others:
            return
        to, lane = self.rng.choice(others), fan.lane
        keys = [self.line.keys[key] for key in ("turnstile", "claims", "visits")]
        was_inside = [await self.call.store.call("ZSCORE", key, fan.fan_id) for key in keys]
        answer = await self.line.move(fan.fan_id, to.fan_id, fan.place, lane)
        self.happened["kept" if answer[0] == "kept" else f"place {answer[0]}"] += 1
        if (lane, to.fan_id) in self.books.moved:
            assert answer == ["gone", "back"], answer
        elif answer[0] == "kept":
            assert any(was_inside), "a place was kept from moving without a reason"
        else:
            assert answer == ["moved"], answer
            assert not any(was_inside[:2]), "a place was used and given away"
            self.books.moved[lane, fan.fan_id] = to.fan_id, fan.place
            self.given[lane, fan.place] = to.fan_id
            to.lane, to.place, fan.place = lane, fan.place, 0

    async def use_a_dead_ticket(self) -> None:
        """A device whose place was moved tries to go in, or to give it to somebody else as well."""
        if self.books.moved:
            (lane, fan_id), (to, place) = self.rng.choice(list(self.books.moved.items()))
            self.happened["dead ticket"] += 1
            assert (await self.line.admit(fan_id, place, lane=lane)) == ["moved"]
            assert (await self.line.move(fan_id, to, place, lane)) == ["moved_before"]
            assert (await self.line.move(fan_id, "thief", place, lane)) == ["gone", "elsewhere"]

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
        told = self.told[process]
        self.line.serving_seen = told[GENERAL]
        self.line.lanes_seen = {lane: told[lane] for lane in PRIORITY}
        before = {lane: self.reached(lane) for lane in LANES}
        stands = await self.line.call_places(0 if self.is_paused else None)
        for lane, now in stands["by_lane"].items():
            assert now["serving"] >= told[lane], f"the serving number of {lane} went back"
            assert now["serving"] <= now["last_place"]
            told[lane] = now["serving"]
        self.happened["called"] += stands["called_now"]
        assert not (self.is_paused and stands["called_now"]), "called while the sale was paused"
        if not self.loses_stores:
            for lane, moved in check_order(before, stands).items():
                self.happened[f"called in {lane}"] += moved
            taken = stands["inside"] + stands["calls_open"] + stands["at_turnstile"]
            assert taken <= self.line.capacity, "too many inside"

    async def pause_or_resume(self) -> None:
        """The operator stops the calls, and sooner or later goes on."""
        self.is_paused = not self.is_paused and self.rng.random() < 0.5
        self.happened["paused"] += self.is_paused

    async def come(self) -> None:
        """A fan with a ticket asks to be let in."""
        waiting = [fan for fan in self.fans if fan.place]
        if not waiting:
            return
        called = [fan for fan in waiting if fan.place <= self.reached(fan.lane)]
        fan = self.rng.choice(called if called and self.rng.random() < 0.7 else waiting)
        ends_at = await self.call.store.call("ZSCORE", self.line.keys["visits"], fan.fan_id)
        is_inside = ends_at is not None and float(ends_at) > self.line.now
        token = await self.call.store.call("ZSCORE", self.line.keys["turnstile"], fan.fan_id)
        visit_id = f"visit-{len(self.steps)}"
        answer = await self.line.admit(fan.fan_id, fan.place, visit_id, lane=fan.lane)
        self.happened[answer[0]] += 1
        assert (answer[0] == "admitted_before") == is_inside, "one fan, one visit"
        if answer[0] == "admitted":
            assert fan.place <= self.reached(fan.lane), "let in before being called"
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
        elif answer[0] == "used_up":
            assert fan.visit_ends_at, "nobody is kept out who has had no visit"
        elif answer[0] == "not_called" and not self.loses_stores:
            assert fan.place > self.reached(fan.lane), "called, and sent away"

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
        for lane, (last_place, serving) in (await stored_lanes(self.line)).items():
            self.books.note(lane, last_place, serving)

    async def let_time_pass(self) -> None:
        """A tick, a while, or so long that nobody is waited for any more."""
        self.line.now += self.rng.choice(self.ticks)

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
        for lane, (last_place, serving) in (await stored_lanes(self.line)).items():
            assert last_place <= self.books.ceilings[lane], f"more places than leased in {lane}"
            assert serving >= self.reached(lane), f"the serving number of {lane} went back"
        if len(self.steps) % PLACES_CHECKED_EVERY == 0:
            await check_places(self.line, self.fans)

    async def end(self) -> None:
        """Disasters stop: then everybody who waits is called before long."""
        self.loses_stores = True  # the last fans may come late; only liveness counts now
        self.is_paused = False
        for _ in range(600):
            self.line.now += max(VISIT_MS, ANSWER_MS)
            await self.call_places()
            if all(told[lane] >= self.highest[lane] for told in self.told for lane in LANES):
                return
        raise AssertionError(f"the line stands still at {self.told}, of {self.highest}")


async def tell_line_story(store: RedisStore, seed: int) -> Counter[str]:
    """Run one seed; on failure say which, and what happened last."""
    story = LineStory(store, seed)
    try:
        return await story.tell()
    except AssertionError as error:
        last = "\n  ".join(story.steps[-30:])
        raise AssertionError(f"line seed={seed}: {error}\nthe last steps:\n  {last}") from error
