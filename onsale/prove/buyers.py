"""Buyers of a run: they hold, change their minds, pay with every kind of card, and never give up asking."""

import hashlib
import random
from dataclasses import dataclass, field
from typing import Any

from groundwork.clock import TokenSource
from groundwork.token_claims import PassClaims
from groundwork.tokens import Tokens
from onsale.prove.asking import Answer, Asking
from onsale.prove.history import Op
from onsale.prove.stage import SALE_ID
from onsale.prove.town import Town

PASS_MS = 60 * 60_000
# A buyer of the run is another fan after so many attempts.
ATTEMPTS_OF_A_FAN = 25
# How often a call without a clear answer is repeated before it is left for the end of the run.
TRIES_MAX = 6
TRY_AGAIN_MS = (200, 1_200)
# Whose seats were just taken clicks on others at once, as in any rush.
NEXT_WISH_MS = (5, 60)
# A pending order is looked at this often, this many times: until after its deadline.
LOOK_EVERY_MS, LOOKS_MAX = 700, 30

# What buyers do with what they hold, and the cards they pay with, by weight.
ENDINGS = {"pay": 82, "abandon": 7, "release": 6, "extend": 5}
CARDS = {
    "card_ok": 62, "card_declined": 8, "card_slow": 4, "card_requires_action": 11,
    "card_timeout_then_ok": 4, "card_timeout_then_declined": 3, "card_error_500": 3,
    "card_insufficient_funds": 5,
}  # fmt: skip
# Parts of all payments that are asked for several times at once, cut off in the middle, asked for
# again with another body, and tried by somebody else who knows the reservation.
SHARE_AT_ONCE, SHARE_HUNG_UP, SHARE_OTHER_BODY, SHARE_STOLEN = 0.10, 0.06, 0.04, 0.03
HANG_UP_MS = (5, 900)
DECLINED = 402
BANK_SAYS = {"approve": 6, "refuse": 2, "": 3}


@dataclass
class Attempt:
    """One idempotency key of one buyer, and what it stands for."""

    fan: "Fan"
    reservation: str
    event: str
    key: str
    card: str
    order: str = ""

    def body(self, card: str = "") -> dict[str, str]:
        """Return what is sent; with another card it is another body."""
        return {
            "reservation_id": self.reservation,
            "payment_method": card or self.card,
            "idempotency_key": self.key,
        }


@dataclass(frozen=True)
class Fan:
    """Who asks, as the gateway knows them."""

    fan_id: str
    headers: dict[str, str] = field(repr=False)

    @classmethod
    def inside(cls, tokens: Tokens, names: TokenSource, now_ms: int) -> "Fan":
        """Return a fan with a pass, signed as the gateway signs it."""
        fan_id = f"f_{names.token(15)}"
        admission = tokens.sign_pass(
            PassClaims(
                fan_id=fan_id,
                sale_id=SALE_ID,
                visit_id=names.token(16),
                issued_at_ms=now_ms,
                expires_at_ms=now_ms + PASS_MS,
            )
        )
        return cls(fan_id, {"Authorization": f"Bearer {admission}"})


class Buyer:
    """Buys for as long as the run lasts."""

    def __init__(self, asking: Asking, town: Town, names: TokenSource, rng: random.Random) -> None:
        self._asking = asking
        self._town = town
        self._names = names
        self._rng = rng
        # Payments whose outcome nobody knows yet; they are asked for again when all is quiet.
        self.open: list[Attempt] = []

    async def live(self) -> None:
        """Attempt after attempt, until cancelled."""
        while True:
            fan = Fan.inside(self._town.tokens, self._names, self._asking.clock.now_ms())
            for _ in range(ATTEMPTS_OF_A_FAN):
                await self._attempt(fan)

    async def ask_again(self, attempt: Attempt) -> bool:
        """Ask once more what became of it; says whether that is clear now."""
        answer = await self._complete_once(attempt)
        if answer.is_good and answer.body.get("status") == "pending":
            answer = await self._read(attempt)
            return answer.body.get("status") in ("confirmed", "released")
        return answer.is_final

    async def _attempt(self, fan: Fan) -> None:
        event, wish = await self._town.choose(self._rng, fan.headers)
        held = await self._hold(fan, event, wish)
        if held is None:
            await self._asking.clock.sleep_ms(self._rng.uniform(*NEXT_WISH_MS))
            return
        match self._one_of(ENDINGS):
            case "abandon":
                return
            case "release":
                await self._on_hold(fan, held, "release", "DELETE", "")
                return
            case "extend":
                await self._on_hold(fan, held, "extend", "POST", "/extend")
        await self._pay(
            Attempt(fan, held.reservation, event, self._names.token(), self._one_of(CARDS))
        )

    async def _hold(self, fan: Fan, event: str, wish: dict[str, Any]) -> Op | None:
        key = self._names.token()
        for _ in range(TRIES_MAX):
            op = self._begin(fan, "hold", event=event, key=key)
            if "seat_ids" in wish:
                op.seats = tuple(wish["seat_ids"])
            answer = await self._asking.ask(
                op, "POST", "/api/bookings/reserve", gateway=self._any(),
                headers={**fan.headers, "Idempotency-Key": key}, body={"event_id": event, **wish},
            )  # fmt: skip
            if answer.is_final:
                return op if answer.is_good else None
            await self._pause()
        return None

    async def _on_hold(self, fan: Fan, held: Op, verb: str, method: str, path: str) -> None:
        op = self._begin(fan, verb, event=held.event, reservation=held.reservation)
        op.seats = held.seats
        await self._asking.ask(
            op, method, f"/api/bookings/{held.reservation}{path}", gateway=self._any(),
            headers=fan.headers,
        )  # fmt: skip

    async def _pay(self, attempt: Attempt) -> None:
        """Pay, by whatever way, until the outcome is clear or left for the end of the run."""
        if self._rng.random() < SHARE_STOLEN:
            await self._steal(attempt)
        if self._rng.random() < SHARE_AT_ONCE:
            await self._town.at_once([self._complete_once(attempt) for _ in range(3)])
        hangs_up = self._rng.randint(*HANG_UP_MS) if self._rng.random() < SHARE_HUNG_UP else 0
        answer = await self._complete_once(attempt, hangs_up_after_ms=hangs_up)
        for _ in range(TRIES_MAX):
            if answer.is_final:
                break
            await self._pause()
            answer = await self._complete_once(attempt)
        if answer.is_good and answer.body.get("status") == "pending":
            answer = await self._wait(attempt, answer)
        if not answer.is_final or answer.body.get("status") == "pending":
            self.open.append(attempt)
        elif (attempt.order or answer.status == DECLINED) and self._rng.random() < SHARE_OTHER_BODY:
            # There is an order of this key; without one, another body is simply the first.
            other = "card_ok" if attempt.card != "card_ok" else "card_slow"
            await self._complete_once(attempt, card=other, verb="other-body")

    async def _wait(self, attempt: Attempt, answer: Answer) -> Answer:
        """Look at a pending order until it is decided; the bank may want a word meanwhile."""
        page = str(answer.body.get("next_action_url", ""))
        if page and (word := self._one_of(BANK_SAYS)):
            await self._town.tell_bank(page, word)
        for _ in range(LOOKS_MAX):
            await self._asking.clock.sleep_ms(LOOK_EVERY_MS)
            answer = await self._read(attempt)
            if answer.body.get("status") in ("confirmed", "released"):
                break
        return answer

    async def _complete_once(
        self,
        attempt: Attempt,
        *,
        card: str = "",
        verb: str = "complete",
        hangs_up_after_ms: int = 0,
    ) -> Answer:
        body = attempt.body(card)
        op = self._begin(
            attempt.fan, verb, event=attempt.event, reservation=attempt.reservation,
            key=attempt.key, sent=_fingerprint(body),
        )  # fmt: skip
        answer = await self._asking.ask(
            op, "POST", "/api/bookings/complete", gateway=self._any(),
            headers=attempt.fan.headers, body=body, hangs_up_after_ms=hangs_up_after_ms,
        )  # fmt: skip
        attempt.order = attempt.order or (op.order if verb == "complete" else "")
        return answer

    async def _read(self, attempt: Attempt) -> Answer:
        op = self._begin(attempt.fan, "read", event=attempt.event, order=attempt.order)
        op.key = attempt.key
        return await self._asking.ask(
            op, "GET", f"/api/bookings/{attempt.order}", gateway=self._any(),
            headers=attempt.fan.headers,
        )  # fmt: skip

    async def _steal(self, attempt: Attempt) -> None:
        """Somebody else pays with this key for this reservation: that must lead to nothing."""
        thief = Fan.inside(self._town.tokens, self._names, self._asking.clock.now_ms())
        body = attempt.body()
        op = self._begin(thief, "steal", event=attempt.event, key=attempt.key)
        op.reservation, op.sent = attempt.reservation, _fingerprint(body)
        await self._asking.ask(
            op, "POST", "/api/bookings/complete", gateway=self._any(), headers=thief.headers,
            body=body,
        )  # fmt: skip

    def _begin(self, fan: Fan, verb: str, **known: Any) -> Op:
        return self._asking.recorder.begin(fan.fan_id, verb, **known)

    def _any(self) -> int:
        return self._rng.randrange(1 << 16)

    def _one_of(self, weights: dict[str, int]) -> str:
        return self._rng.choices(list(weights), list(weights.values()))[0]

    async def _pause(self) -> None:
        await self._asking.clock.sleep_ms(self._rng.uniform(*TRY_AGAIN_MS))


def _fingerprint(body: dict[str, str]) -> str:
    return hashlib.sha256(repr(sorted(body.items())).encode()).hexdigest()[:16]
