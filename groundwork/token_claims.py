"""What our signed tokens say: as values for the program, and as JWT claims on the wire."""

from typing import Annotated, Final, Literal, Self

import msgspec

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=2**40)]


class TicketClaims(msgspec.Struct, frozen=True, kw_only=True):
    """A fan's ticket for the line of one sale. On the wire times are cut to whole seconds.

    `lane` is the group the place is in, None for the general line. `entered_as` is the name that a
    place which was moved to this fan had at first; None for a place that was never moved.
    """

    fan_id: str
    sale_id: str
    place: int | None = None
    entry_number: int | None = None
    lane: str | None = None
    entered_as: str | None = None
    jkt: str | None = None
    issued_at_ms: int
    expires_at_ms: int


class PassClaims(msgspec.Struct, frozen=True, kw_only=True):
    """An admission pass: the fan may be inside the sale's shop. Times as in TicketClaims."""

    fan_id: str
    sale_id: str
    visit_id: str
    jkt: str | None = None
    # Fewer seats than others may have; None: as many.
    seats_max: int | None = None
    issued_at_ms: int
    expires_at_ms: int


class MoveClaims(msgspec.Struct, frozen=True, kw_only=True):
    """A link that moves a fan's place to another device: whose it is, and all that the place is."""

    fan_id: str
    sale_id: str
    move_id: str
    place: int | None = None
    entry_number: int | None = None
    lane: str | None = None
    entered_as: str | None = None
    issued_at_ms: int
    expires_at_ms: int


class SeatTicketClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What the code of one sold ticket says at the door. It has no end of its own: events do."""

    ticket_id: str
    event_id: str
    order_id: str
    tier: str
    seat_id: str | None = None
    issued_at_ms: int


class TokenError(Exception):
    """Not a token of ours of that kind; the text says why. Fans get a BookingError instead."""


class Confirmation(msgspec.Struct, frozen=True):
    """The key a token is bound to (RFC 7800)."""

    jkt: Name


class TicketWire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """TicketClaims as JWT claims."""

    typ: Literal["ticket"]  # a plain field: the tag of a tagged struct may be missing
    iss: Name
    aud: Name
    sub: Name
    iat: Seconds
    exp: Seconds
    place: int | None = None
    entry_number: int | None = None
    lane: Name | None = None
    entered_as: Name | None = None
    cnf: Confirmation | None = None

    @classmethod
    def of(cls, claims: TicketClaims, issuer: str) -> Self:
        """Return what to sign. The end is rounded up: nobody loses part of a second."""
        return cls(
            typ="ticket",
            iss=issuer,
            aud=f"sale:{claims.sale_id}",
            sub=claims.fan_id,
            iat=claims.issued_at_ms // 1000,
            exp=-(-claims.expires_at_ms // 1000),
            place=claims.place,
            entry_number=claims.entry_number,
            lane=claims.lane,
            entered_as=claims.entered_as,
            cnf=Confirmation(claims.jkt) if claims.jkt else None,
        )

    def claims(self) -> TicketClaims:
        """Return the value. Raises TokenError for another audience than a sale."""
        return TicketClaims(
            fan_id=self.sub,
            sale_id=_audience(self.aud, "sale"),
            place=self.place,
            entry_number=self.entry_number,
            lane=self.lane,
            entered_as=self.entered_as,
            jkt=self.cnf.jkt if self.cnf else None,
            issued_at_ms=self.iat * 1000,
            expires_at_ms=self.exp * 1000,
        )


class PassWire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """PassClaims as JWT claims."""

    typ: Literal["pass"]  # a plain field: the tag of a tagged struct may be missing
    iss: Name
    aud: Name
    sub: Name
    jti: Name
    iat: Seconds
    exp: Seconds
    cnf: Confirmation | None = None
    seats_max: int | None = None

    @classmethod
    def of(cls, claims: PassClaims, issuer: str) -> Self:
        """Return what to sign. The end is rounded up: nobody loses part of a second."""
        return cls(
            typ="pass",
            iss=issuer,
            aud=f"sale:{claims.sale_id}",
            sub=claims.fan_id,
            jti=claims.visit_id,
            iat=claims.issued_at_ms // 1000,
            exp=-(-claims.expires_at_ms // 1000),
            cnf=Confirmation(claims.jkt) if claims.jkt else None,
            seats_max=claims.seats_max,
        )

    def claims(self) -> PassClaims:
        """Return the value. Raises TokenError for another audience than a sale."""
        return PassClaims(
            fan_id=self.sub,
            sale_id=_audience(self.aud, "sale"),
            visit_id=self.jti,
            jkt=self.cnf.jkt if self.cnf else None,
            seats_max=self.seats_max,
            issued_at_ms=self.iat * 1000,
            expires_at_ms=self.exp * 1000,
        )


class MoveWire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """MoveClaims as JWT claims."""

    typ: Literal["move"]  # a plain field: the tag of a tagged struct may be missing
    iss: Name
    aud: Name
    sub: Name
    jti: Name
    iat: Seconds
    exp: Seconds
    place: int | None = None
    entry_number: int | None = None
    lane: Name | None = None
    entered_as: Name | None = None

    @classmethod
    def of(cls, claims: MoveClaims, issuer: str) -> Self:
        """Return what to sign."""
        return cls(
            typ="move",
            iss=issuer,
            aud=f"sale:{claims.sale_id}",
            sub=claims.fan_id,
            jti=claims.move_id,
            iat=claims.issued_at_ms // 1000,
            exp=-(-claims.expires_at_ms // 1000),
            place=claims.place,
            entry_number=claims.entry_number,
            lane=claims.lane,
            entered_as=claims.entered_as,
        )

    def claims(self) -> MoveClaims:
        """Return the value. Raises TokenError for another audience than a sale."""
        return MoveClaims(
            fan_id=self.sub,
            sale_id=_audience(self.aud, "sale"),
            move_id=self.jti,
            place=self.place,
            entry_number=self.entry_number,
            lane=self.lane,
            entered_as=self.entered_as,
            issued_at_ms=self.iat * 1000,
            expires_at_ms=self.exp * 1000,
        )


class SeatTicketWire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """SeatTicketClaims as JWT claims."""

    typ: Literal["seat-ticket"]  # a plain field: the tag of a tagged struct may be missing
    iss: Name
    aud: Name
    jti: Name
    order: Name
    tier: Name
    seat: Name | None = None
    iat: Seconds

    @classmethod
    def of(cls, claims: SeatTicketClaims, issuer: str) -> Self:
        """Return what to sign."""
        return cls(
            typ="seat-ticket",
            iss=issuer,
            aud=f"event:{claims.event_id}",
            jti=claims.ticket_id,
            order=claims.order_id,
            tier=claims.tier,
            seat=claims.seat_id,
            iat=claims.issued_at_ms // 1000,
        )

    def claims(self) -> SeatTicketClaims:
        """Return the value. Raises TokenError for another audience than an event."""
        return SeatTicketClaims(
            ticket_id=self.jti,
            event_id=_audience(self.aud, "event"),
            order_id=self.order,
            tier=self.tier,
            seat_id=self.seat,
            issued_at_ms=self.iat * 1000,
        )


TICKET_DECODER: Final = msgspec.json.Decoder(TicketWire)
PASS_DECODER: Final = msgspec.json.Decoder(PassWire)
MOVE_DECODER: Final = msgspec.json.Decoder(MoveWire)
SEAT_TICKET_DECODER: Final = msgspec.json.Decoder(SeatTicketWire)


def _audience(audience: str, kind: str) -> str:
    prefix, _, name = audience.partition(":")
    if prefix != kind or not name:
        raise TokenError("wrong audience")
    return name
