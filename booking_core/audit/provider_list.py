"""Reads the provider's own list of payments, page by page, in Stripe's wire format."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from groundwork.errors import StoreUnavailable

# Stripe's largest page.
PAGE: Final = 100
# A page of a hundred takes Stripe a second or two.
TIMEOUT_S: Final = 20.0
# A page with its charges is some 400 KB.
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
# An audit comes again in a minute anyway.
RETRY_SECONDS: Final = 60
CHUNK_BYTES: Final = 64 * 1024

Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class ListedPayment:
    """A payment as the provider lists it. Amounts are minor units, `created_at` is in seconds."""

    payment_id: str
    status: str
    amount_cents: int
    taken_cents: int
    refunded_cents: int
    currency: str
    order_id: str
    created_at: int

    @property
    def kept_cents(self) -> int:
        """What was taken and not given back."""
        return self.taken_cents - self.refunded_cents

    @property
    def is_reserved(self) -> bool:
        """Whether money is held that may still be taken."""
        return self.status == "requires_capture"


class _Charge(msgspec.Struct, frozen=True):
    amount_refunded: int = 0


class _Intent(msgspec.Struct, frozen=True):
    id: str
    status: str
    amount: int
    currency: str
    created: int
    amount_received: int = 0
    metadata: dict[str, str] = {}
    latest_charge: _Charge | str | None = None

    def listed(self) -> ListedPayment:
        charge = self.latest_charge
        return ListedPayment(
            payment_id=self.id,
            status=self.status,
            amount_cents=self.amount,
            taken_cents=self.amount_received,
            refunded_cents=charge.amount_refunded if isinstance(charge, _Charge) else 0,
            currency=self.currency.upper(),
            order_id=self.metadata.get("order_id", ""),
            created_at=self.created,
        )


class _Page(msgspec.Struct, frozen=True):
    data: list[_Intent]
    has_more: bool


class ProviderList:
    """The payments of an account, newest first. Raises StoreUnavailable when it does not answer."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, secret_key: str) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {secret_key}"}

    async def pages(self, pages_max: int | None = None) -> AsyncIterator[list[ListedPayment]]:
        """Yield page after page, newest payments first."""
        after, number = "", 0
        while pages_max is None or number < pages_max:
            params = {"limit": str(PAGE), "expand[]": "data.latest_charge"}
            page = await self._get("payment_intents", params | _after(after), _Page)
            if page is None or not page.data:
                return
            yield [intent.listed() for intent in page.data]
            if not page.has_more:
                return
            after, number = page.data[-1].id, number + 1

    async def get(self, payment_id: str) -> ListedPayment | None:
        """Return a payment as it is now, or None when the provider has none of that name."""
        intent = await self._get(
            f"payment_intents/{quote(payment_id, safe='')}", {"expand[]": "latest_charge"}, _Intent
        )
        return intent.listed() if intent is not None else None

    async def _get(self, path: str, params: Mapping[str, str], kind: type[Body]) -> Body | None:
        try:
            async with self._session.get(
                f"{self._base_url}/v1/{path}",
                params=params,
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
                allow_redirects=False,
            ) as answer:
                if answer.status == 404:
                    return None
                if answer.status != 200:
                    raise StoreUnavailable(retry_after=RETRY_SECONDS)
                return msgspec.json.decode(await _read_bounded(answer), type=kind)
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
            raise StoreUnavailable(retry_after=RETRY_SECONDS) from error


def _after(payment_id: str) -> dict[str, str]:
    return {"starting_after": payment_id} if payment_id else {}


async def _read_bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise StoreUnavailable(retry_after=RETRY_SECONDS)
    return bytes(body)
