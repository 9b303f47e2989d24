"""The seat plan as pages get it: columns in seat_index order, compressed once, with a tag."""

import asyncio
import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from booking_core.catalog.drawing import Area, Point
from booking_core.catalog.events import Catalog
from booking_core.catalog.remembered import Remembered
from booking_core.catalog.seat_layout import SeatLayout
from groundwork.clock import Clock
from groundwork.errors import NotFound

# 60,000 seats are some 400 kB compressed.
DOCUMENTS_REMEMBERED_MAX: Final = 32
# Made once, sent to every fan: worth the effort.
GZIP_LEVEL: Final = 9
TAG_LENGTH: Final = 32  # hexadecimal digits: 128 bits


class PlanSize(msgspec.Struct, frozen=True):
    """The measures of the drawing, in its own units."""

    width: int
    height: int


class PlanSection(msgspec.Struct, frozen=True):
    """A section by name."""

    name: str


class SeatColumns(msgspec.Struct, frozen=True, kw_only=True):
    """All seats, one list a column, seat i at place i; tiers and sections by their index in the plan.

    `accessible` and `companions` are seat indexes; `restricted_views` has words by seat index.
    """

    seat_id: Sequence[str]
    tier: Sequence[int]
    section: Sequence[int]
    row: Sequence[str]
    number: Sequence[str]
    x: Sequence[int]
    y: Sequence[int]
    accessible: Sequence[int]
    companions: Sequence[int]
    restricted_views: dict[int, str]


class PlanColumns(msgspec.Struct, frozen=True, kw_only=True):
    """A seat plan: what is drawn, and where each seat is."""

    event_id: str
    size: PlanSize
    focal_point: Point
    areas: Sequence[Area]
    sections: Sequence[PlanSection]
    tiers: Sequence[str]
    seats: SeatColumns


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """The bytes of a plan, compressed with gzip, and the tag of what is in them."""

    gzipped: bytes
    tag: str

    def plain(self) -> bytes:
        """Return the bytes without compression, for the few clients that take no gzip."""
        return gzip.decompress(self.gzipped)


class PlanDocuments:
    """The plan of each event, made when it is first asked for and kept."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._documents: Remembered[str, PlanDocument] = Remembered(
            self._make, clock, size_max=DOCUMENTS_REMEMBERED_MAX, age_ms=None
        )

    async def get(self, event_id: str) -> PlanDocument:
        """Return the plan; raises EventNotFound, or NotFound for an event of stock only."""
        return await self._documents.get(event_id)

    async def _make(self, event_id: str) -> PlanDocument:
        event = await self._catalog.get(event_id)
        if not event.is_seated:
            raise NotFound
        layout = await self._catalog.seat_layout(event_id)
        # In a thread: a large plan takes a second, and others are waiting.
        return await asyncio.to_thread(_compress, layout)


def _compress(layout: SeatLayout) -> PlanDocument:
    plain = msgspec.json.encode(plan_columns(layout))
    tag = hashlib.sha256(plain).hexdigest()[:TAG_LENGTH]
    return PlanDocument(gzip.compress(plain, GZIP_LEVEL, mtime=0), tag)


def plan_columns(layout: SeatLayout) -> PlanColumns:
    """Return the plan as the interface says it: one list per column, seat i at place i of each."""
    drawing = layout.drawing
    assert drawing is not None, "an event with seats has a drawing"
    return PlanColumns(
        event_id=layout.event_id,
        size=PlanSize(drawing.width, drawing.height),
        focal_point=drawing.focal_point,
        areas=drawing.areas,
        sections=[PlanSection(section) for section in layout.sections],
        tiers=layout.tiers,
        seats=SeatColumns(
            seat_id=layout.seat_ids,
            tier=layout.tier_of,
            section=layout.section_of,
            row=layout.rows,
            number=layout.numbers,
            x=[round(x) for x in layout.xs],
            y=[round(y) for y in layout.ys],
            accessible=sorted(layout.accessible),
            companions=sorted(layout.companions),
            restricted_views={
                layout.index_of[seat_id]: words
                for seat_id, words in drawing.restricted_views.items()
            },
        ),
    )
