"""The bank behind the practice provider: decides about payment methods, in its own time."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from booking_core.practice_provider import intents
from booking_core.practice_provider.intent_book import IntentBook
from booking_core.practice_provider.intents import CardRefusal, Intent
from booking_core.practice_provider.settings import ProviderSettings
from booking_core.practice_provider.stripe_errors import InvalidRequest, ProviderFailure
from groundwork.clock import Clock


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a bank says when it says no."""

    code: str
    message: str
    decline_code: str | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """How the bank behaves for a payment method; without a refusal it says yes in the end.

    slowly: the answer to the confirmation comes late. in silence: it comes later than anybody
    waits for, although the bank decides soon. on a page: the buyer is asked. on a form: the buyer
    is asked for a card, and the answer is what becomes of that one. never: it breaks.
    """

    decides: Literal["at once", "slowly", "in silence", "on a page", "on a form", "never"]
    refusal: Refusal | None = None


DECLINED: Final = Refusal("card_declined", "Your card was declined.", "generic_decline")
NO_FUNDS: Final = Refusal(
    "card_declined", "Your card has insufficient funds.", "insufficient_funds"
)
REFUSED_ON_PAGE: Final = Refusal(
    "payment_intent_authentication_failure",
    "The provided payment method has failed authentication. You can provide payment_method_data "
    "or a new PaymentMethod to attempt to fulfill this PaymentIntent again.",
)
METHODS: Final[Mapping[str, Method]] = {
    "card_ok": Method("at once"),
    "card_declined": Method("at once", DECLINED),
    "card_insufficient_funds": Method("at once", NO_FUNDS),
    "card_slow": Method("slowly"),
    "card_requires_action": Method("on a page"),
    "card_form": Method("on a form"),
    "card_timeout_then_ok": Method("in silence"),
    "card_timeout_then_declined": Method("in silence", DECLINED),
    "card_error_500": Method("never"),
}


class Bank:
    """Carries confirmations to their end, also those that outlive their request."""

    def __init__(self, book: IntentBook, clock: Clock, settings: ProviderSettings) -> None:
        self._book = book
        self._clock = clock
        self._settings = settings
        self._tasks: set[asyncio.Task[None]] = set()

    async def confirm(
        self, intent_id: str, payment_method: str | None, return_url: str | None
    ) -> Intent:
        """Return the intent when the bank has decided, or waits for the buyer.

        A refusal is an intent with `last_refusal`. Raises InvalidRequest without a payment method,
        InvalidState when the intent cannot be confirmed, ProviderFailure.
        """
        intent = self._book.get(intent_id)
        name = payment_method or intent.payment_method
        if name is None:
            raise InvalidRequest(
                "You cannot confirm this PaymentIntent because it's missing a payment method.",
                "payment_intent_unexpected_state",
            )
        attempt = intents.begin_attempt(intent, name, self._book.new_id("ch"), return_url)
        match METHODS[name].decides:
            case "at once":
                return self._settle(attempt)
            case "slowly":
                await self._settle_after(attempt, self._settings.practice_slow_ms)
            case "in silence":
                silence = self._background(self._clock.sleep_ms(self._settings.practice_silence_ms))
                self._settle_after(attempt, self._settings.practice_settles_ms)
                await silence
            case "on a page":
                return self._book.put(intents.challenge(attempt, self._book.new_id("3ds")))
            case "on a form":
                return self._book.put(intents.challenge(attempt, self._book.new_id("card")))
            case "never":
                raise ProviderFailure("An unknown error occurred", status=500)
        return self._book.get(intent_id)

    async def decide_on_page(self, challenge_id: str, *, is_approved: bool) -> Intent | None:
        """Take the buyer's word; asked again, the first word stands. None: nothing was asked."""
        intent = self._book.of_challenge(challenge_id)
        if intent is None or intent.status != "requires_action":
            return intent
        return self._authorize(intent) if is_approved else self._decline(intent, REFUSED_ON_PAGE)

    def take_card(self, challenge_id: str, card: Method) -> Intent | None:
        """Try the card that the buyer typed; a refused one leaves the question open for another.

        Returns None when nothing is asked there. A card whose owner is to be asked has its intent
        at another question.
        """
        intent = self._book.of_challenge(challenge_id)
        if intent is None or intent.status != "requires_action" or card.refusal:
            return intent
        match card.decides:
            case "slowly":
                self._settle_after(intent, self._settings.practice_slow_ms)
                return self._book.get(intent.id)
            case "on a page":
                return self._book.put(intents.challenge(intent, self._book.new_id("3ds")))
            case _:
                return self._authorize(intent)

    def resume(self) -> None:
        """Go on with what the bank had not decided before the restart."""
        for intent in self._book:
            if intent.status == "processing":
                assert intent.settles_at_ms is not None
                wait_ms = max(0, intent.settles_at_ms - self._clock.now_ms())
                self._background(self._settle_in(intent.id, wait_ms))

    async def close(self) -> None:
        """Stop; the journal knows what is still to be decided. Requests that wait are cut off."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _settle_after(self, attempt: Intent, wait_ms: int) -> asyncio.Task[None]:
        self._book.put(intents.process_until(attempt, self._clock.now_ms() + wait_ms))
        return self._background(self._settle_in(attempt.id, wait_ms))

    async def _settle_in(self, intent_id: str, wait_ms: int) -> None:
        await self._book.flush()
        await self._clock.sleep_ms(wait_ms)
        self._settle(self._book.get(intent_id))
        await self._book.flush()

    def _settle(self, intent: Intent) -> Intent:
        assert intent.payment_method is not None
        refusal = METHODS[intent.payment_method].refusal
        return self._decline(intent, refusal) if refusal else self._authorize(intent)

    def _authorize(self, intent: Intent) -> Intent:
        authorized = intents.authorize(intent, self._clock.now_ms())
        is_taken = authorized.status == "succeeded"
        return self._book.put(
            authorized,
            "payment_intent.succeeded" if is_taken else "payment_intent.amount_capturable_updated",
        )

    def _decline(self, intent: Intent, refusal: Refusal) -> Intent:
        assert intent.payment_method is not None
        declined = intents.decline(
            intent,
            CardRefusal(refusal.code, refusal.message, intent.payment_method, refusal.decline_code),
        )
        return self._book.put(declined, "payment_intent.payment_failed")

    def _background(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
