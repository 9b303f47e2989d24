"""All payment intents of the practice provider; every change is remembered and told."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Final

from booking_core.practice_provider import intents
from booking_core.practice_provider.intents import CaptureMethod, Intent, Refund
from booking_core.practice_provider.journal import IntentLine, Journal
from booking_core.practice_provider.stripe_errors import InvalidRequest, no_such
from booking_core.practice_provider.stripe_objects import charge_json, intent_json
from booking_core.practice_provider.webhooks import Webhooks
from groundwork.clock import Clock, TokenSource

# 144 bits, 24 characters: as long as Stripe's, and nobody guesses one.
NAME_BYTES: Final = 18
# About 1 KB each: more payments than a rehearsal makes. Past it, no new ones are taken.
INTENTS_MAX: Final = 200_000


class IntentBook:
    """Finds, makes and changes intents. `flush` before telling anybody of a change."""

    def __init__(
        self, journal: Journal, webhooks: Webhooks, clock: Clock, tokens: TokenSource
    ) -> None:
        self._journal = journal
        self._webhooks = webhooks
        self._clock = clock
        self._tokens = tokens
        self._intents: dict[str, Intent] = {}
        self._ids: list[str] = []  # in the order in which they were made
        self._numbers: dict[str, int] = {}  # where in _ids
        self._by_challenge: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Intent]:
        """Go through the intents that exist now, oldest first."""
        return (self._intents[intent_id] for intent_id in itertools.islice(self._ids, len(self)))

    def restore(self, intent: Intent) -> None:
        """Put back an intent as it was before the restart."""
        self._keep(intent)

    async def flush(self) -> None:
        """Return when every change so far will survive a restart."""
        await self._journal.flush()

    def get(self, intent_id: str) -> Intent:
        """Return the intent. Raises InvalidRequest (404)."""
        intent = self._intents.get(intent_id)
        if intent is None:
            raise no_such("payment_intent", intent_id, "intent")
        return intent

    def of_challenge(self, challenge_id: str) -> Intent | None:
        """Return the intent whose latest attempt asked this on the bank's page."""
        intent = self._intents.get(self._by_challenge.get(challenge_id, ""))
        return intent if intent and intent.challenge_id == challenge_id else None

    def page(self, limit: int, starting_after: str | None) -> tuple[list[Intent], bool]:
        """Return the newest intents, or the ones made before another; and whether there are more.

        Raises InvalidRequest when that other one does not exist.
        """
        end = len(self._ids)
        if starting_after is not None:
            if starting_after not in self._numbers:
                raise no_such("payment_intent", starting_after, "starting_after", status=400)
            end = self._numbers[starting_after]
        start = max(0, end - limit)
        return [self._intents[intent_id] for intent_id in reversed(self._ids[start:end])], start > 0

    def create(
        self,
        *,
        amount: int,
        currency: str,
        capture_method: CaptureMethod,
        payment_method: str | None,
        metadata: Mapping[str, str],
        description: str | None,
        receipt_email: str | None,
    ) -> Intent:
        """Make an intent that moves no money yet. Raises InvalidRequest (429) when full."""
        if len(self._ids) >= INTENTS_MAX:
            raise InvalidRequest("Too many payment intents", "rate_limit", status=429)
        intent_id = self.new_id("pi")
        return self.put(
            Intent(
                id=intent_id,
                created_at_ms=self._clock.now_ms(),
                amount=amount,
                currency=currency,
                capture_method=capture_method,
                client_secret=self.new_id(f"{intent_id}_secret"),
                status="requires_confirmation" if payment_method else "requires_payment_method",
                payment_method=payment_method,
                metadata=dict(metadata),
                description=description,
                receipt_email=receipt_email,
            )
        )

    def capture(self, intent_id: str, amount: int | None) -> Intent:
        """Take reserved money. Raises InvalidState, InvalidRequest."""
        captured = intents.capture(self.get(intent_id), amount, self._clock.now_ms())
        return self.put(captured, "payment_intent.succeeded")

    def cancel(self, intent_id: str, reason: str | None) -> Intent:
        """End an intent without payment. Raises InvalidState, InvalidRequest."""
        canceled = intents.cancel(self.get(intent_id), reason, self._clock.now_ms())
        return self.put(canceled, "payment_intent.canceled")

    def refund(
        self, intent_id: str, amount: int | None, reason: str | None, metadata: Mapping[str, str]
    ) -> tuple[Intent, Refund]:
        """Give money back: `amount`, or what is left. Raises InvalidState, InvalidRequest."""
        intent = self.get(intent_id)
        left = intent.amount_received - intent.amount_refunded
        refund = Refund(
            id=self.new_id("re"),
            amount=left if amount is None else amount,
            created_at_ms=self._clock.now_ms(),
            reason=reason,
            metadata=dict(metadata),
        )
        return self.put(intents.refund(intent, refund), "charge.refunded"), refund

    def put(self, intent: Intent, *events: str) -> Intent:
        """Keep the intent as it is now, and tell the shop of the events."""
        self._keep(intent)
        self._journal.add(IntentLine(intent))
        for kind in events:
            is_charge = kind.startswith("charge.")
            self._webhooks.tell(
                kind, charge_json(intent) if is_charge else intent_json(intent, pages_url="")
            )
        return intent

    def new_id(self, prefix: str) -> str:
        """Return a name nobody can guess, `pi_...`."""
        return f"{prefix}_{self._tokens.token(NAME_BYTES)}"

    def _keep(self, intent: Intent) -> None:
        earlier = self._intents.get(intent.id)
        if earlier is None:
            self._numbers[intent.id] = len(self._ids)
            self._ids.append(intent.id)
        elif earlier.challenge_id and earlier.challenge_id != intent.challenge_id:
            del self._by_challenge[earlier.challenge_id]
        if intent.challenge_id:
            self._by_challenge[intent.challenge_id] = intent.id
        self._intents[intent.id] = intent
