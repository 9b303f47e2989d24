"""Fans who stand in line while things fail: they join, join again, look, are let in; some try a trick."""

import random
from dataclasses import dataclass

from groundwork.clock import TokenSource
from groundwork.keys import KeyRing
from onsale.prove.asking import Answer, Asking
from onsale.prove.riddles import solved_riddle
from onsale.prove.stage import SALE_ID

JOIN, STATUS, ADMIT = (f"/api/sales/{SALE_ID}/{what}" for what in ("join", "status", "admit"))
# How often a call is repeated before the fan goes home.
TRIES_MAX = 8
TRY_AGAIN_MS = (200, 1_200)
# Parts of the fans who join once more with the ticket they have, and who ask with a place they
# have written themselves.
SHARE_TWICE, SHARE_FORGED = 0.3, 0.15


@dataclass
class Waiting:
    """One fan of the line: a ticket, and the address they come from."""

    ticket: str
    fan_id: str
    address: str
    place: int = 0

    def headers(self) -> dict[str, str]:
        """Return what every call of theirs has."""
        ticket = {"Authorization": f"Bearer {self.ticket}"} if self.ticket else {}
        return {"X-Forwarded-For": self.address, **ticket}


class LineFans:
    """One after the other, for as long as the run lasts."""

    def __init__(
        self, asking: Asking, ring: KeyRing, tokens: TokenSource, rng: random.Random
    ) -> None:
        self._asking = asking
        self._ring = ring
        self._tokens = tokens
        self._rng = rng

    async def live(self) -> None:
        """Fan after fan, until cancelled."""
        while True:
            await self._wait_in_line()
            await self._pause()

    async def _wait_in_line(self) -> None:
        fan = Waiting("", "", self._address())
        if not (await self._join(fan)).is_good:
            return
        if self._rng.random() < SHARE_TWICE:
            await self._join(fan)
        await self._look(fan)
        if self._rng.random() < SHARE_FORGED:
            await self._ask(fan, "sneak", "POST", ADMIT, {"ticket": self._forged(fan.ticket)})
        for _ in range(TRIES_MAX):
            answer = await self._ask(fan, "admit", "POST", ADMIT, {"ticket": fan.ticket})
            if answer.is_good:
                break
            await self._pause()
        await self._look(fan)

    async def _join(self, fan: Waiting) -> Answer:
        """Join until there is an answer. Each time with new work: the last may have been taken."""
        answer = Answer(0, "", {})
        for _ in range(TRIES_MAX):
            work = solved_riddle(self._ring, self._asking.clock, self._tokens, SALE_ID)
            answer = await self._ask(fan, "join", "POST", JOIN, {"altcha": work})
            if answer.is_good:
                fan.ticket = str(answer.body["ticket"])
                fan.fan_id = str(answer.body["fan_id"])
                fan.place = int(answer.body["place"])
            if answer.is_final:
                break
            await self._pause()
        return answer

    async def _look(self, fan: Waiting) -> None:
        await self._ask(fan, "board", "GET", STATUS)

    async def _ask(
        self, fan: Waiting, verb: str, method: str, path: str, body: object = None
    ) -> Answer:
        op = self._asking.recorder.begin(fan.fan_id, verb)
        op.numbers = {"place": fan.place} if fan.place else {}
        return await self._asking.ask(
            op, method, path, gateway=self._rng.randrange(1 << 16), headers=fan.headers(), body=body
        )

    def _forged(self, ticket: str) -> str:
        """Return the ticket with one letter of what it says changed: the signature is another's."""
        claims = ticket.rindex(".") - 8
        letter = "A" if ticket[claims] != "A" else "B"
        return ticket[:claims] + letter + ticket[claims + 1 :]

    def _address(self) -> str:
        """Return a public address that hardly anybody had before."""
        return f"2a00:{self._rng.randrange(1 << 16):x}:{self._rng.randrange(1 << 16):x}::1"

    async def _pause(self) -> None:
        await self._asking.clock.sleep_ms(self._rng.uniform(*TRY_AGAIN_MS))
