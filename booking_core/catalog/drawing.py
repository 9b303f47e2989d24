"""The drawing of a seat plan: shapes and texts around the seats, in absolute coordinates."""

import math
import re
from typing import Annotated, Final, Literal

import msgspec

# Far more than any hall needs, small enough that sums and products stay exact and JSON short.
COORDINATE_MAX: Final = 100_000
POLYGON_POINTS_MAX: Final = 2_000
# A text on a drawing is a label, not a page.
TEXT_LENGTH_MAX: Final = 200
# Colours go into SVG attributes: only forms that cannot be anything but a colour.
COLOR_PATTERN: Final = r"^(#[0-9A-Fa-f]{3,8}|[A-Za-z]{1,30}|rgba?\([0-9., %]{1,40}\)|)$"

Coordinate = Annotated[float, msgspec.Meta(ge=-COORDINATE_MAX, le=COORDINATE_MAX)]
Length = Annotated[float, msgspec.Meta(ge=0, le=COORDINATE_MAX)]
Color = Annotated[str, msgspec.Meta(pattern=COLOR_PATTERN)]
Shape = Literal["polygon", "rectangle", "ellipse", "circle", "text"]

# What halls call the place everybody looks at, in the languages of the plans we have met.
FOCAL_WORDS: Final = re.compile(
    r"\b(stage|bühne|buehne|scène|scene|escenario|palco|palcoscenico|podium|podio|scena|scen|näyttämö"
    r"|сцена|pitch|spielfeld|terrain|court|ring|screen|leinwand|écran|altar)\b|舞台|ステージ|무대",
    re.IGNORECASE,
)


class Point(msgspec.Struct, frozen=True):
    """A place on the drawing; x grows to the right, y downwards."""

    x: Coordinate = 0
    y: Coordinate = 0

    def __add__(self, other: "Point") -> "Point":
        return Point(self.x + other.x, self.y + other.y)


class Rectangle(msgspec.Struct, frozen=True):
    """A rectangle; the area's position is its top left corner."""

    width: Length
    height: Length


class Circle(msgspec.Struct, frozen=True):
    """A circle; the area's position is its centre."""

    radius: Length


class Radii(msgspec.Struct, frozen=True):
    """The two half axes of an ellipse."""

    x: Length
    y: Length


class Ellipse(msgspec.Struct, frozen=True):
    """An ellipse; the area's position is its centre."""

    radius: Radii


class Polygon(msgspec.Struct, frozen=True):
    """A closed shape; its points are relative to the area's position."""

    points: Annotated[tuple[Point, ...], msgspec.Meta(max_length=POLYGON_POINTS_MAX)]


class AreaText(msgspec.Struct, frozen=True):
    """A text centred at its position, which is relative to the area's position."""

    text: Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH_MAX)]
    position: Point = Point()
    color: Color = "#333333"
    size: Annotated[float, msgspec.Meta(gt=0, le=1_000)] = 16


class Area(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A shape on the drawing, turned clockwise by `rotation` degrees about its position.

    `section` is the index of the section that the shape outlines, None for decoration.
    """

    shape: Shape
    position: Point = Point()
    color: Color = ""
    border_color: Color = ""
    rotation: Annotated[float, msgspec.Meta(ge=-3_600, le=3_600)] = 0
    rectangle: Rectangle | None = None
    circle: Circle | None = None
    ellipse: Ellipse | None = None
    polygon: Polygon | None = None
    text: AreaText | None = None
    section: int | None = None

    def middle(self) -> Point:
        """Return the middle of the shape where it is drawn."""
        if self.shape == "rectangle" and self.rectangle:
            return self._turned(self.rectangle.width / 2, self.rectangle.height / 2)
        if self.shape == "polygon" and self.polygon and self.polygon.points:
            points = self.polygon.points
            return self._turned(
                sum(point.x for point in points) / len(points),
                sum(point.y for point in points) / len(points),
            )
        if self.shape == "text" and self.text:
            return self._turned(self.text.position.x, self.text.position.y)
        return self.position

    def holds(self, place: Point) -> bool:
        """Say whether a place lies within the shape, its edge included; a text holds nothing."""
        angle = -math.radians(self.rotation)
        dx, dy = place.x - self.position.x, place.y - self.position.y
        x = dx * math.cos(angle) - dy * math.sin(angle)
        y = dx * math.sin(angle) + dy * math.cos(angle)
        if self.shape == "rectangle" and self.rectangle:
            return 0 <= x <= self.rectangle.width and 0 <= y <= self.rectangle.height
        if self.shape == "circle" and self.circle:
            return math.hypot(x, y) <= self.circle.radius
        if self.shape == "ellipse" and self.ellipse:
            radius = self.ellipse.radius
            return (x * radius.y) ** 2 + (y * radius.x) ** 2 <= (radius.x * radius.y) ** 2
        if self.shape == "polygon" and self.polygon:
            return _is_inside(x, y, self.polygon.points)
        return False

    def _turned(self, x: float, y: float) -> Point:
        angle = math.radians(self.rotation)
        return self.position + Point(
            x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)
        )


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of a plan but its seats, as it is kept in events.plan."""

    name: str
    width: int
    height: int
    focal_point: Point
    areas: tuple[Area, ...]
    sections: tuple[str, ...]
    tiers: tuple[str, ...]
    # What stands in the way of a seat's view, by seat id; a seat that sees everything is not in it.
    restricted_views: dict[str, str] = {}


def _is_inside(x: float, y: float, corners: tuple[Point, ...]) -> bool:
    """Count how often a ray to the right crosses the edges: an odd number of times from inside."""
    is_inside = False
    for one, other in zip(corners, corners[1:] + corners[:1], strict=True):
        if (one.y > y) != (other.y > y):
            crossing = one.x + (y - one.y) * (other.x - one.x) / (other.y - one.y)
            is_inside ^= x < crossing
    return is_inside


def find_focal_point(areas: tuple[Area, ...], width: float) -> Point:
    """Return what the seats look at: the middle of the first area named as a stage (or a pitch,
    a ring, ... in several languages), else the middle of the drawing's top edge.
    """
    for area in areas:
        if area.text and FOCAL_WORDS.search(area.text.text):
            return area.middle()
    return Point(width / 2, 0)
