"""A fan of the tests: a small HTTP client that joins, is let in, holds and pays."""

import asyncio
import base64
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from multidict import CIMultiDictProxy
from yarl import URL

from groundwork.token_claims import PassClaims, TicketClaims
from tests.support.shop import Shop
from tests.support.solving import solve as solve

PASS_MS = 15 * 60_000


@dataclass(frozen=True, repr=False)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:300]!r}>"

    @property
    def json(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content

    @property
    def code(self) -> str:
        """The problem's code; fails for an answer that is no problem."""
        assert self.headers["Content-Type"].startswith("application/problem+json"), self
        return str(self.json["code"])

    @property
    def cookies(self) -> dict[str, str]:
        """Set-Cookie headers by the cookie's name, as they came."""
        lines = self.headers.getall("Set-Cookie", [])
        return {line.partition("=")[0]: line.partition("=")[2] for line in lines}


class DeviceKey:
    """A browser's key, and the proofs (RFC 9449) it makes."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key()))

    @property
    def jkt(self) -> str:
        canonical = json.dumps(
            {name: self.jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":")
        )
        digest = hashlib.sha256(canonical.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def proof(self, method: str, url: str, **changes: Any) -> str:
        claims = {"htm": method, "htu": url, "iat": int(time.time()), "jti": uuid.uuid4().hex}
        headers = {"typ": "dpop+jwt", "jwk": self.jwk}
        return jwt.encode(claims | changes, self._key, algorithm="ES256", headers=headers)


@dataclass
class Fan:
    """One browser. With a key it proves it wherever a browser would."""

    shop: Shop
    key: DeviceKey | None = None
    ticket: str = ""
    admission: str = ""
    fan_id: str = ""
    sale_id: str = ""
    scheme: str = "Bearer"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def inside(cls, shop: Shop, sale_id: str = "tour", **claims: Any) -> "Fan":
        """Return a fan who has been let in, with a ticket and a pass, past the waiting room."""
        fan_id = claims.pop("fan_id", f"f_{uuid.uuid4().hex[:20]}")
        key = claims.pop("key", None)
        now_ms = shop.clock.now_ms()
        times = {"issued_at_ms": now_ms, "expires_at_ms": now_ms + PASS_MS} | claims
        jkt = key.jkt if key else None
        ticket = shop.tokens.sign_ticket(
            TicketClaims(fan_id=fan_id, sale_id=sale_id, place=1, jkt=jkt, **times)
        )
        admission = shop.tokens.sign_pass(
            PassClaims(fan_id=fan_id, sale_id=sale_id, visit_id=uuid.uuid4().hex, jkt=jkt, **times)
        )
        return cls(shop, key, ticket, admission, fan_id, sale_id)

    async def call(
        self, method: str, path: str, *, credential: str | None = None, **request: Any
    ) -> Reply:
        """Ask; by default with the pass, if there is one. No redirect is followed."""
        headers = {**self.headers, **request.pop("headers", {})}
        credential = self.admission if credential is None else credential
        if credential:
            headers.setdefault("Authorization", f"{self.scheme} {credential}")
        # What is encoded is sent as it is written.
        url = URL(self.shop.url + path, encoded="%" in path)
        async with self.shop.session.request(
            method, url, headers=headers, allow_redirects=False, **request
        ) as answer:
            reply = Reply(answer.status, answer.headers, await answer.read())
        self.shop.hold_to_document(method, path, reply.status, reply.headers, reply.body)
        return reply

    def proven(self, method: str, path: str) -> dict[str, str]:
        """Return the header that proves the key for a call, or none without a key."""
        return {"DPoP": self.key.proof(method, self.shop.url + path)} if self.key else {}

    async def solved(self, sale_id: str) -> str:
        jkt = f"?jkt={self.key.jkt}" if self.key else ""
        challenge = await self.call("GET", f"/api/sales/{sale_id}/challenge{jkt}")
        assert challenge.status == 200, challenge
        return await asyncio.to_thread(solve, challenge.json)

    async def join(self, sale_id: str, **body: Any) -> Reply:
        path = f"/api/sales/{sale_id}/join"
        body = {"altcha": body.pop("altcha", None) or await self.solved(sale_id), **body}
        reply = await self.call(
            "POST", path, json=body, credential=self.ticket, headers=self.proven("POST", path)
        )
        if reply.status == 201:
            self.ticket, self.fan_id = reply.json["ticket"], reply.json["fan_id"]
            self.sale_id = sale_id
        return reply

    async def admit(self, **body: Any) -> Reply:
        """Ask once to be let in; see `let_in`."""
        path = f"/api/sales/{self.sale_id}/admit"
        reply = await self.call(
            "POST", path, json={"ticket": self.ticket, **body}, credential="",
            headers=self.proven("POST", path),
        )  # fmt: skip
        if reply.status == 201:
            self.admission = reply.json["pass"]
        return reply

    async def let_in(self) -> Reply:
        """Ask until the place is called."""
        async with asyncio.timeout(10):
            while (reply := await self.admit()).status == 425:
                await self.shop.refresh_rooms()
        return reply

    async def reserve(self, event_id: str, *seat_ids: str, **wanted: Any) -> Reply:
        headers = wanted.pop("headers", {})
        body = {"event_id": event_id} | ({"seat_ids": list(seat_ids)} if seat_ids else {}) | wanted
        return await self.call("POST", "/api/bookings/reserve", json=body, headers=headers)

    async def held(self, event_id: str, *seat_ids: str, **wanted: Any) -> str:
        """Hold, and return the reservation's id; fails when that is refused."""
        reply = await self.reserve(event_id, *seat_ids, **wanted)
        assert reply.status == 201, reply
        return str(reply.json["reservation_id"])

    async def complete(
        self, reservation_id: str, payment_method: str = "card_ok", key: str = "", **more: Any
    ) -> Reply:
        path = "/api/bookings/complete"
        body = {
            "reservation_id": reservation_id,
            "payment_method": payment_method,
            "idempotency_key": key or uuid.uuid4().hex,
            **more,
        }
        return await self.call("POST", path, json=body, headers=self.proven("POST", path))

    async def booking(self, booking_id: str) -> Reply:
        return await self.call("GET", f"/api/bookings/{booking_id}")


async def pending_order(
    shop: Shop, event_id: str, *seat_ids: str, card: str = "card_requires_action"
) -> str:
    """Return an order of some fan that waits for its buyer or bank."""
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event_id, *seat_ids), card)
    assert reply.status == 202, reply
    return str(reply.json["booking_id"])
