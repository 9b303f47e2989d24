"""What requests are made of: a sale, events, passes, and proofs of work, all prepared before timing.

Passes and proofs are signed with the installation's own secrets. The server checks them exactly as
it checks those of fans; only the fans' own work, a second or two each, is not done here.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count as count_from
from typing import Any

import msgspec

from bench.http_client import request
from bench.installation import Installation
from booking_core.catalog.arena import ARENA_PRICES, make_arena
from booking_core.catalog.event import EventDraft
from booking_core.catalog.events import Catalog
from booking_core.catalog.seat_plan import SeatPlan
from gateway.bot_checks.challenge_pool import ALGORITHM, COST, KEY_BYTES, LEVELS
from gateway.bot_checks.proof_of_work import (
    KEY_SIGNATURE_SECRET,
    SIGNATURE_SECRET,
    fallback_cost,
)
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.clock import SystemClock
from groundwork.postgres import Pool, connection
from groundwork.tokens import PassClaims, TicketClaims, Tokens
from loadtest.device_key import DeviceKey

SALE_ID = "bench"
# Where fans wait and hardly one is called.
SLOW_SALE_ID = "bench-slow"
# Faster than any machine can answer: what is measured is the way in, not the pacing.
RATE_PER_MINUTE = 600_000
CAPACITY = 1_000_000
# Each fan may hold so many seats; the pass of one fan serves for several requests, as on a sale day.
SEATS_PER_FAN = 8
SEATS_PER_HOLD = 2
PASS_MS = 3_600_000
NONCE_BYTES = 16
# Longer than the bench.
PROOF_SECONDS = 900
# A phone works about as long; a proof that took no time at all speaks for a program.
WORK_SECONDS = 3
# Sales of the catalogue that is searched: a house puts on a hundred events in one sale at most.
SEARCHED_SALES = 100
CITIES = (
    "Hamburg",
    "Leipzig",
    "Zürich",
    "Málaga",
    "Kraków",
    "Århus",
    "Lyon",
    "Porto",
    "Graz",
    "Oslo",
)
CATEGORIES = ("Concert", "Theatre", "Comedy", "Sport", "Opera")
WORDS = (
    "Meridian", "Lights", "Harbour", "Nocturne", "Velvet", "Cascade", "Ember", "Orchard", "Signal",
    "Paper", "Lantern", "Quartet", "Winter", "Atlas", "Copper", "Silent", "River", "Northern",
    "Glass", "Electric", "Garden", "Thunder", "Marble", "Echo", "Satellite", "Crimson", "Golden",
    "Theory", "Parade", "Machine", "Static", "Ocean", "Feather", "Kingdom", "Shadow", "Violet",
    "Compass", "Radio", "Mirror", "Anthem",
)  # fmt: skip


def make_sale(sale_id: str, rate_per_minute: int = RATE_PER_MINUTE) -> Sale:
    """Return an open sale with room for everybody."""
    return Sale(
        sale_id=sale_id,
        name="The sale of the bench",
        opens_at=datetime.now(UTC) - timedelta(hours=1),
        state="open",
        pause_reason="",
        message="",
        rate_per_minute=rate_per_minute,
        burst=rate_per_minute,
        capacity=CAPACITY,
    )


def draft(event_id: str, sale_id: str = SALE_ID) -> EventDraft:
    """Return what an event with seats is made from."""
    return EventDraft(
        event_id=event_id,
        sale_id=sale_id,
        name=event_id,
        venue="Harbour Arena",
        city="Hamburg",
        category="Concert",
        starts_at=datetime(2027, 6, 12, 18, 30, tzinfo=UTC),
        currency="EUR",
        seats_max=SEATS_PER_FAN,
    )


async def put_on_sale(pool: Pool, seats: dict[str, int]) -> dict[str, list[str]]:
    """Make the sales, and events of so many seats; return the names of the seats by event."""
    await SaleRecords(pool).create(make_sale(SALE_ID))
    await SaleRecords(pool).create(make_sale(SLOW_SALE_ID, rate_per_minute=1))
    catalog = Catalog(pool)
    plans: dict[int, SeatPlan] = {}
    for event_id, count in seats.items():
        plan = plans.setdefault(count, make_arena(count))
        await catalog.create_seated_event(draft(event_id), plan, ARENA_PRICES)
    return {
        event_id: [seat.seat_id for seat in plans[count].seats] for event_id, count in seats.items()
    }


async def fill_catalogue(pool: Pool, count: int) -> None:
    """Add events without seats, spread over sales, with names, places and days to search for."""
    sales = min(SEARCHED_SALES, count)
    for number in range(sales):
        await SaleRecords(pool).create(make_sale(f"searched-{number}"))
    rows = [
        (
            f"searched-{number}",
            f"searched-{number % sales}",
            " ".join(WORDS[(number * step + number // 40) % len(WORDS)] for step in (1, 7, 13)),
            f"{WORDS[number * 3 % len(WORDS)]} Hall",
            CITIES[number % len(CITIES)],
            CATEGORIES[number // len(CITIES) % len(CATEGORIES)],
            datetime(2027, 1, 1, 20, tzinfo=UTC) + timedelta(days=number % 700),
        )
        for number in range(count)
    ]
    async with connection(pool) as database, database.transaction():
        cursor = database.cursor()
        async with cursor.copy(
            """COPY events (event_id, sale_id, name, venue, city, category, starts_at, currency)
            FROM STDIN"""
        ) as copy:
            for row in rows:
                await copy.write_row((*row, "EUR"))
        await database.execute(
            """INSERT INTO price_tiers (event_id, tier, position, name, price_cents, quantity, is_stock)
            SELECT event_id, tier, n, tier, 2000 + n * 1500, 1000, true
            FROM events, unnest('{standing,balcony}'::text[]) WITH ORDINALITY AS tiers (tier, n)
            WHERE event_id LIKE 'searched-%%'"""
        )
        await database.execute(
            "INSERT INTO availability (event_id) SELECT event_id FROM events"
            " WHERE event_id LIKE 'searched-%%'"
        )
        await database.execute(
            """INSERT INTO stock_claims (event_id, tier, capacity)
            SELECT event_id, tier, quantity FROM price_tiers WHERE event_id LIKE 'searched-%%'"""
        )
    async with connection(pool) as database:
        # What autovacuum does a minute after such an import.
        await database.execute("ANALYZE events, price_tiers, availability")


def searches(port: int) -> list[bytes]:
    """Return searches of every kind, in the order they are asked; hardly two are alike."""
    queries = []
    for number in range(4_000):
        word = WORDS[number % len(WORDS)]
        other = WORDS[number * 7 % len(WORDS)]
        city, category = (
            CITIES[number // 3 % len(CITIES)],
            CATEGORIES[number // 7 % len(CATEGORIES)],
        )
        day = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(days=number % 700)
        queries.append(
            (
                f"q={word}&page={1 + number // 500}",
                f"q={word[:4]}+{other[:3]}",
                f"city={city}&date={day:%Y-%m-%d}",
                f"q={word}&city={city}&price_max={2500 + number}",
                f"category={category}&page={1 + number // 40 % 90}",
            )[number % 5]
        )
    return [request("GET", f"/api/events/search?{_quoted(query)}", port) for query in queries]


def _quoted(text: str) -> str:
    return "".join(c if c.isascii() else "".join(f"%{b:02X}" for b in c.encode()) for c in text)


class Signatures:
    """Makes passes, tickets and solved proofs for the installation."""

    def __init__(self, installation: Installation) -> None:
        self._port = installation.gateway_port
        self._ring = installation.ring
        self._clock = SystemClock()
        self._tokens = Tokens(installation.ring, self._clock)
        # Every fan has an address of the public internet, and a network, of their own, as a proxy tells it.
        self._addresses = (f"2a02:{n >> 16:x}:{n & 0xFFFF:x}::1" for n in count_from(1))

    def passes(self, count: int) -> list[str]:
        """Return admission passes, each of another fan."""
        now_ms = self._clock.now_ms()
        return [
            self._tokens.sign_pass(
                PassClaims(
                    fan_id=f"f_{secrets.token_urlsafe(16)}",
                    sale_id=SALE_ID,
                    visit_id=secrets.token_urlsafe(16),
                    issued_at_ms=now_ms,
                    expires_at_ms=now_ms + PASS_MS,
                )
            )
            for _ in range(count)
        ]

    def ticket(self) -> str:
        """Return a ticket for the line."""
        now_ms = self._clock.now_ms()
        return self._tokens.sign_ticket(
            TicketClaims(
                fan_id=f"f_{secrets.token_urlsafe(16)}",
                sale_id=SALE_ID,
                place=1,
                issued_at_ms=now_ms,
                expires_at_ms=now_ms + PASS_MS,
            )
        )

    def joins(
        self,
        count: int,
        sale_id: str = SALE_ID,
        device: DeviceKey | None = None,
        *,
        stocked: bool = True,
    ) -> list[bytes]:
        """Return joins with solved proofs; with a device key each carries a fresh DPoP header too.

        `stocked` are riddles of the stock, checked by a signature; the others are those given out
        when the stock is empty, and checked by doing one try of the work.
        """
        path = f"/api/sales/{sale_id}/join"
        url = f"http://127.0.0.1:{self._port}{path}"
        return [
            request(
                "POST",
                path,
                self._port,
                headers=(f"DPoP: {device.proof('POST', url)}\r\n" if device else "")
                + f"X-Forwarded-For: {next(self._addresses)}\r\n",
                body=msgspec.json.encode({"altcha": self.solved(sale_id, stocked=stocked)}),
            )
            for _ in range(count)
        ]

    def solved(self, sale_id: str = SALE_ID, *, stocked: bool = True) -> str:
        """Return solved work as a join carries it."""
        now = self._clock.now_ms() // 1000
        nonce, salt = secrets.token_hex(NONCE_BYTES), secrets.token_hex(NONCE_BYTES)
        key = secrets.token_bytes(KEY_BYTES)
        parameters: dict[str, Any] = {
            "algorithm": ALGORITHM,
            "cost": COST,
            "data": {"iat": now - WORK_SECONDS, "lvl": 1, "sale": sale_id},
            "expiresAt": now + PROOF_SECONDS,
            "keyLength": KEY_BYTES,
            "nonce": nonce,
            "salt": salt,
        }
        if stocked:
            parameters["keyPrefix"] = key[:16].hex()
            secret = self._ring.secret(KEY_SIGNATURE_SECRET)
            parameters["keySignature"] = hmac.digest(secret, key, "sha256").hex()
        else:
            # Checking costs the same whatever the prefix; with none, the first try is right.
            cost = parameters["cost"] = fallback_cost(LEVELS[1])
            parameters["keyPrefix"] = ""
            password = bytes.fromhex(nonce) + (0).to_bytes(4, "big")
            key = hashlib.pbkdf2_hmac("sha256", password, bytes.fromhex(salt), cost, KEY_BYTES)
        encoded = msgspec.json.Encoder(order="sorted").encode(parameters)
        signature = hmac.digest(self._ring.secret(SIGNATURE_SECRET), encoded, "sha256").hex()
        payload = msgspec.json.encode(
            {
                "challenge": {"parameters": parameters, "signature": signature},
                "solution": {"counter": 0, "derivedKey": key.hex(), "time": 1000},
            }
        )
        return base64.b64encode(payload).decode()


def reserves(
    port: int,
    event_id: str,
    seat_ids: Sequence[str],
    passes: Sequence[str],
    per_fan: int = SEATS_PER_FAN // SEATS_PER_HOLD,
) -> list[bytes]:
    """Return reserves of two named seats each; no two want the same."""
    pairs = [
        list(seat_ids[start : start + SEATS_PER_HOLD])
        for start in range(0, len(seat_ids) - 1, SEATS_PER_HOLD)
    ]
    return [
        request(
            "POST",
            "/api/bookings/reserve",
            port,
            headers=f"Authorization: Bearer {passes[number // per_fan]}\r\n",
            body=msgspec.json.encode(
                {"event_id": event_id, "seat_ids": pair, "accessible": True, "offer": False}
            ),
        )
        for number, pair in enumerate(pairs[: len(passes) * per_fan])
    ]


def looks(port: int, event_id: str, passes: Sequence[str]) -> list[bytes]:
    """Return one look at the seat map for each pass: what every browser asks before it reserves."""
    return [
        request(
            "GET",
            f"/api/events/{event_id}/seats",
            port,
            headers=f"Authorization: Bearer {one}\r\n",
        )
        for one in passes
    ]
