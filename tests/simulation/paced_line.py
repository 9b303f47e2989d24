"""One line moved twice: by the scripts on a real server, and by the pure model; they must agree."""

import random
from dataclasses import dataclass, field

from gateway.bot_checks.limits import again_limit
from gateway.waiting_room.line_now import OriginAnswers, StockLeft
from gateway.waiting_room.pacing_model import Asked, House, Pacing
from gateway.waiting_room.pacing_parts import AnswerTimes, Cohort
from tests.simulation.line_in_redis import ANSWER_MS, VISIT_MS, LineInRedis


@dataclass
class Caller:
    """A fan with a place: who called them, and the token they took."""

    place: int
    cohort: Cohort | None = None
    token: float | None = None
    is_inside: bool = False
    has_come: bool = False
    # Whether they have had a visit, or left instead.
    has_left: bool = False
    # From when on all their returns are whole again.
    whole_at: int = 0

    def may_return(self, now: int) -> bool:
        """Whether another return is left: the rule of includes/limits.lua."""
        flow = again_limit(VISIT_MS).flow("own")
        return max(now, self.whole_at) + flow.every_ms - flow.every_ms * flow.burst <= now


@dataclass
class PacedLine:
    """Every step is made on both sides, and compared."""

    line: LineInRedis
    rng: random.Random
    model: Pacing = field(default_factory=lambda: Pacing(AnswerTimes(ANSWER_MS)))
    fans: list[Caller] = field(default_factory=list)
    serving: int = 0

    @property
    def waiting(self) -> int:
        """How many have a place that is not called."""
        return len(self.fans) - self.serving

    async def join(self, fans: int) -> None:
        """So many get places."""
        await self.line.call.store.call("HINCRBY", self.line.keys["line"], "last_place", fans)
        self.fans += [Caller(len(self.fans) + number) for number in range(1, fans + 1)]

    async def tick(
        self,
        rate: int,
        stock: StockLeft | None = None,
        good: int = 0,
        bad: int = 0,
        away_ms: int = 0,
    ) -> dict[str, object]:
        """Move the line, and compare all that both sides know."""
        stood = await self._tokens()
        stands = await self.line.call_places(
            rate,
            seats_left=stock.seats_left if stock else None,
            seats_per_fan=stock.seats_per_fan if stock else 1,
            good=good,
            bad=bad,
            away_ms=away_ms,
        )
        stand = await self._tokens()
        for fan_id in stood:
            self.fans[int(fan_id[4:]) - 1].token = stand.get(fan_id)
        given_back = sum(token > 0 and not stand.get(fan_id) for fan_id, token in stood.items())
        asked = Asked(
            rate_per_minute=rate, burst=self.line.burst, capacity=self.line.capacity,
            answer_ms=ANSWER_MS,
        )  # fmt: skip
        called = self.model.call(
            self.line.now, asked, [self.waiting],
            House(stands["inside"], stands["at_turnstile"], stands["late"]),
            stock, OriginAnswers(good, bad), given_back=given_back,
            frozen_ms=int(stands["frozen_ms"]),
        )  # fmt: skip
        for fan in self.fans[self.serving : self.serving + called.now]:
            fan.cohort = called.cohort
        self.serving += called.now
        told = {name: stands[name] for name in
                ("serving", "called_now", "calls_open", "limit", "rate", "no_show", "health")}  # fmt: skip
        assert told == {
            "serving": self.serving, "called_now": called.now, "calls_open": called.calls_open,
            "limit": called.limit, "rate": called.rate_now,
            "no_show": round(1000 * called.no_show), "health": called.health,
        }  # fmt: skip
        await self.compare_stored()
        return stands

    async def _tokens(self) -> dict[str, float]:
        """Who stands at the turnstile with which token."""
        found = await self.line.call.store.call(
            "ZRANGE", self.line.keys["turnstile"], 0, -1, "WITHSCORES"
        )
        return {fan_id: float(token) for fan_id, token in found}

    async def compare_stored(self) -> None:
        """What is stored agrees to the last digit."""
        stored = await self.line.call.store.call(
            "HMGET", self.line.keys["line"], "flow", "spent", "ease_ms"
        )
        bucket = self.model.bucket
        assert [float(text) for text in stored] == [bucket.flow, bucket.spent, self.model.ease_ms]

    async def come(self, fan: Caller) -> str:
        """A called fan asks to be let in; both sides say the same."""
        now, times = self.line.now, self.model.answer_times
        answer = await self.line.admit(f"fan-{fan.place}", fan.place, f"visit-{now}")
        if answer[0] in ("not_called", "admitted_before"):
            return str(answer[0])
        calls_now = now - self.model.bucket.paused_ms(now)
        cohort = fan.cohort
        if fan.has_come or (cohort and times.is_settled(cohort, calls_now)):
            cohort = None
        # Who answers their call does not come back, though they left before it.
        returns = fan.token is None and fan.has_left and cohort is None
        assert (answer[0] == "used_up") == (returns and not fan.may_return(now)), answer
        if answer[0] in ("full", "used_up"):
            return str(answer[0])
        if returns:
            fan.whole_at = max(now, fan.whole_at) + VISIT_MS
        if fan.token is None:
            fan.token, fan.has_come = self.model.answer(now, cohort), True
        elif fan.token == 0:
            self.model.answer(now, None)
        wait_ms = self.model.wait_ms(now, fan.token)
        assert answer[0] == ("soon" if wait_ms else "admitted"), (answer, wait_ms)
        if wait_ms:
            assert answer[1] == wait_ms
        else:
            fan.token, fan.has_left = None, True
        return str(answer[0])

    async def leave(self, fan: Caller) -> None:
        """A fan says that they are done, whether or not they were inside."""
        await self.line.end_visit(f"fan-{fan.place}")
        fan.has_left = True
