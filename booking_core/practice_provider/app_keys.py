"""What the handlers of the practice provider find in their application."""

from typing import Final

from aiohttp import web

from booking_core.practice_provider.bank import Bank
from booking_core.practice_provider.fault_plan import FaultPlan
from booking_core.practice_provider.idempotency import IdempotencyKeys
from booking_core.practice_provider.intent_book import IntentBook
from booking_core.practice_provider.settings import ProviderSettings
from booking_core.practice_provider.webhooks import Webhooks
from groundwork.clock import Clock, TokenSource

SETTINGS: Final = web.AppKey("settings", ProviderSettings)
CLOCK: Final[web.AppKey[Clock]] = web.AppKey("clock", Clock)
TOKENS: Final[web.AppKey[TokenSource]] = web.AppKey("tokens", TokenSource)
BOOK: Final = web.AppKey("book", IntentBook)
KEYS: Final = web.AppKey("keys", IdempotencyKeys)
BANK: Final = web.AppKey("bank", Bank)
FAULTS: Final = web.AppKey("faults", FaultPlan)
WEBHOOKS: Final = web.AppKey("webhooks", Webhooks)

REQUEST_ID: Final = web.RequestKey("request_id", str)  # set by name_request
