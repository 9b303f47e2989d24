"""The seating-plan format of pretix (JSON): its types, its bounds, and a reader that says where."""

from typing import Annotated, Final, Literal

import msgspec

from booking_core.catalog.drawing import (
    Area,
    AreaText,
    Circle,
    Color,
    Ellipse,
    Length,
    Point,
    Polygon,
    Rectangle,
    Shape,
)
from booking_core.catalog.plan_reader import read_document

# 120,000 seats at the usual 300 bytes each, and as much again for indentation.
PLAN_BYTES_MAX: Final = 64 * 1024 * 1024
# Bounds of one list each; the seats of all rows together are bounded by SEATS_MAX.
CATEGORIES_MAX: Final = 64
ZONES_MAX: Final = 2_000
ROWS_PER_ZONE_MAX: Final = 10_000
SEATS_PER_ROW_MAX: Final = 5_000
AREAS_PER_ZONE_MAX: Final = 5_000
# Labels are printed on tickets.
LABEL_LENGTH_MAX: Final = 100
# Ids longer than ours may be are read, and then repaired; longer than this they are no ids.
GUID_LENGTH_MAX: Final = 500
# A canvas larger than the coordinates may be is a mistake.
CANVAS_MAX: Final = 100_000

Label = Annotated[str, msgspec.Meta(max_length=LABEL_LENGTH_MAX)]
Guid = Annotated[str, msgspec.Meta(max_length=GUID_LENGTH_MAX)]


class PretixSize(msgspec.Struct, frozen=True):
    """The canvas in pixels."""

    width: Annotated[int, msgspec.Meta(ge=1, le=CANVAS_MAX)]
    height: Annotated[int, msgspec.Meta(ge=1, le=CANVAS_MAX)]


class PretixCategory(msgspec.Struct, frozen=True, omit_defaults=True):
    """A price category; seats name it."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    color: Color | None = None


class PretixSeat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A seat; its position is relative to its row's. The guid may be missing: it gets repaired."""

    seat_guid: Guid | None = None
    seat_number: Label
    position: Point
    category: str
    radius: Length | None = None
    start_direction: Literal["<", ">", "<>", ""] | None = None
    uuid: Guid | None = None


class PretixRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row object; its position is relative to its zone's."""

    row_number: Label
    seats: Annotated[tuple[PretixSeat, ...], msgspec.Meta(max_length=SEATS_PER_ROW_MAX)]
    position: Point = Point()
    row_label: Label | None = None
    seat_label: Label | None = None
    row_number_position: Literal["start", "end", "both", ""] | None = None
    uuid: Guid | None = None


class PretixArea(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A shape; its position is relative to its zone's."""

    shape: Shape
    position: Point = Point()
    color: Color | None = None
    border_color: Color | None = None
    rotation: Annotated[float, msgspec.Meta(ge=-3_600, le=3_600)] | None = None
    rectangle: Rectangle | None = None
    circle: Circle | None = None
    ellipse: Ellipse | None = None
    polygon: Polygon | None = None
    text: AreaText | None = None
    uuid: Guid | None = None

    def placed(self, origin: Point) -> Area:
        """Return the area with its absolute position."""
        return Area(
            shape=self.shape,
            position=origin + self.position,
            color=self.color or "",
            border_color=self.border_color or "",
            rotation=self.rotation or 0,
            rectangle=self.rectangle,
            circle=self.circle,
            ellipse=self.ellipse,
            polygon=self.polygon,
            text=self.text if self.text and self.text.text.strip() else None,
        )


def area_of(area: Area) -> PretixArea:
    """Return the area as a file has it, in a zone at the origin."""
    return PretixArea(
        shape=area.shape,
        position=area.position,
        color=area.color or None,
        border_color=area.border_color or None,
        rotation=area.rotation or None,
        rectangle=area.rectangle,
        circle=area.circle,
        ellipse=area.ellipse,
        polygon=area.polygon,
        text=area.text,
    )


class PretixZone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of the hall. The schema lets the name be missing, and so do we."""

    position: Point
    rows: Annotated[tuple[PretixRow, ...], msgspec.Meta(max_length=ROWS_PER_ZONE_MAX)]
    areas: Annotated[tuple[PretixArea, ...], msgspec.Meta(max_length=AREAS_PER_ZONE_MAX)] = ()
    name: Label | None = None
    zone_id: Label | None = None
    uuid: Guid | None = None


class PretixPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    name: Label
    categories: Annotated[tuple[PretixCategory, ...], msgspec.Meta(max_length=CATEGORIES_MAX)]
    zones: Annotated[tuple[PretixZone, ...], msgspec.Meta(max_length=ZONES_MAX)]
    size: PretixSize


def write_pretix(pretix: PretixPlan) -> bytes:
    """Return the file of a plan; read_pretix gives the same plan again."""
    return msgspec.json.encode(pretix)


def read_pretix(raw: bytes, *, ignore_unknown: bool = False) -> tuple[PretixPlan, tuple[str, ...]]:
    """Return the plan in the bytes, and the paths of keys that the format does not know.

    Raises PlanInvalid naming each unknown key (unless they are to be ignored), else each value that
    breaks the format.
    """
    return read_document(raw, PretixPlan, bytes_max=PLAN_BYTES_MAX, ignore_unknown=ignore_unknown)
