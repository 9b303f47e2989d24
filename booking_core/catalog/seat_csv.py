"""Seats from a table: one line a seat, read into the same plan as any other file."""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from booking_core.catalog.drawing import COORDINATE_MAX, Point
from booking_core.catalog.plan_extras import (
    CHANNEL_PATTERN,
    RESTRICTED_VIEW_LENGTH_MAX,
    PlanExtras,
    SeatExtra,
)
from booking_core.catalog.plan_reader import BYTE_ORDER_MARK, raise_problems
from booking_core.catalog.pretix_format import (
    CATEGORIES_MAX,
    LABEL_LENGTH_MAX,
    PLAN_BYTES_MAX,
    PretixCategory,
    PretixPlan,
    PretixRow,
    PretixSeat,
    PretixSize,
    PretixZone,
)
from booking_core.catalog.refusals import PlanInvalid
from booking_core.catalog.seat_plan import SEAT_ID_LENGTH_MAX, SEATS_MAX, TIER_LENGTH_MAX

NEEDED: Final = ("section", "row", "seat", "x", "y", "category")
# The longest text of each column.
TEXTS_MAX: Final[Mapping[str, int]] = {
    "section": LABEL_LENGTH_MAX,
    "row": LABEL_LENGTH_MAX,
    "seat": LABEL_LENGTH_MAX,
    "category": TIER_LENGTH_MAX,
    "seat_id": SEAT_ID_LENGTH_MAX,
    "companion_of": SEAT_ID_LENGTH_MAX,
    "restricted_view": RESTRICTED_VIEW_LENGTH_MAX,
    "kept_for": 63,  # as a channel's name
}
KNOWN: Final = (*NEEDED, "accessible", "seat_id", "companion_of", "restricted_view", "kept_for")
YES_AND_NO: Final[Mapping[str, bool | None]] = {
    **dict.fromkeys(("yes", "true", "1", "x"), True),
    **dict.fromkeys(("no", "false", "0"), False),
    "": None,
}
# Colours that stay apart for colour-blind eyes (after Okabe and Ito), dark enough for white text.
COLORS: Final = ("#b3402a", "#0b6fa4", "#00795c", "#c77700", "#7a5195", "#52606d")
MARGIN: Final = 40  # around the seats, which are drawn with a radius of about 10


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    texts: Mapping[str, str]
    place: Point
    accessible: bool | None

    @property
    def seat_id(self) -> str:
        """The id that is given, else one of the names of the seat."""
        names = (self.texts[column] for column in ("section", "row", "seat"))
        return self.texts.get("seat_id") or "-".join(name for name in names if name)

    def said(self) -> SeatExtra:
        """Return what the plan format cannot say of the seat."""
        return SeatExtra(
            accessible=self.accessible,
            companion_of=self.texts.get("companion_of") or None,
            restricted_view=self.texts.get("restricted_view") or None,
            kept_for=self.texts.get("kept_for") or None,
        )


@dataclass(slots=True)
class _Table:
    problems: list[tuple[str, str]] = field(default_factory=list)
    lines: list[_Line] = field(default_factory=list)


def read_csv(
    raw: bytes, name: str, *, ignore_unknown: bool = False
) -> tuple[PretixPlan, PlanExtras, tuple[str, ...]]:
    """Return the plan in the table, what it says besides, and the columns that were passed over.

    The first line has the columns' names: NEEDED and what else is KNOWN, in any order. Columns are
    parted by commas, or by semicolons, and then numbers may have decimal commas. Seats of the same
    section and row are one row; who sits next to whom is seen from x and y. Raises PlanInvalid
    naming everything that is wrong by its line.
    """
    reader = csv.reader(io.StringIO(_text_of(raw), newline=""), strict=True, delimiter=_parted(raw))
    try:
        columns = [column.strip().lower() for column in next(reader, [])]
        unknown = tuple(f"line 1, {column}" for column in columns if column not in KNOWN)
        _check_columns(columns, () if ignore_unknown else unknown)
        table = _Table()
        for cells in reader:
            if any(cell.strip() for cell in cells):
                _read_line(table, columns, cells, reader.line_num)
    except csv.Error as error:
        raise PlanInvalid((f"line {reader.line_num}", f"is not CSV: {error}")) from error
    table.problems += _repetitions(table.lines)
    raise_problems(table.problems)
    if not table.lines:
        raise PlanInvalid(("line 1", "is followed by no seat"))
    return _plan(table.lines, name), _extras(table.lines), unknown


def _text_of(raw: bytes) -> str:
    if len(raw) > PLAN_BYTES_MAX:
        raise PlanInvalid(("file", f"has {len(raw)} bytes, at most {PLAN_BYTES_MAX} are read"))
    try:
        return raw.removeprefix(BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PlanInvalid((f"line {line}", "is not UTF-8: save the table as UTF-8")) from error


def _parted(raw: bytes) -> str:
    first = raw.partition(b"\n")[0]
    return ";" if first.count(b";") > first.count(b",") else ","


def _check_columns(columns: list[str], unknown: tuple[str, ...]) -> None:
    problems = [("line 1", f"has no column {one!r}") for one in NEEDED if one not in columns]
    problems += [
        ("line 1", f"has the column {one!r} twice") for one in KNOWN if columns.count(one) > 1
    ]
    raise_problems(
        problems + [(one, f"is no column; there are: {', '.join(KNOWN)}") for one in unknown]
    )


def _read_line(table: _Table, columns: list[str], cells: list[str], number: int) -> None:
    """Add the seat of a line to the table, or what is wrong with it."""
    where = f"line {number}"
    if len(table.lines) >= SEATS_MAX:
        raise PlanInvalid((where, f"is one seat too many, at most {SEATS_MAX} can be kept"))
    if len(cells) != len(columns):
        table.problems.append((where, f"has {len(cells)} cells, not {len(columns)}"))
        return
    texts = {
        column: cell.strip() for column, cell in zip(columns, cells, strict=True) if column in KNOWN
    }
    problems = [(f"{where}, {column}", what) for column, what in _text_problems(texts)]
    x, y = _number(texts["x"]), _number(texts["y"])
    for column, value in (("x", x), ("y", y)):
        if value is None:
            what = f"must be a number up to {COORDINATE_MAX}, is {texts[column]!r}"
            problems.append((f"{where}, {column}", what))
    table.problems += problems
    if not problems:
        assert x is not None
        assert y is not None
        accessible = YES_AND_NO[texts.get("accessible", "").lower()]
        table.lines.append(_Line(number, texts, Point(x, y), accessible))


def _text_problems(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for column, length_max in TEXTS_MAX.items():
        text = texts.get(column, "")
        if len(text) > length_max or not text.isprintable():
            yield column, f"must be at most {length_max} printable characters"
    for column in ("section", "seat", "category"):
        if not texts[column]:
            yield column, "must not be empty"
    if len(texts.get("seat_id", "")) == 1:
        yield "seat_id", "must have two characters at least"
    if texts.get("accessible", "").lower() not in YES_AND_NO:
        yield "accessible", f"must be yes or no, is {texts['accessible']!r}"
    if texts.get("kept_for") and not re.match(CHANNEL_PATTERN, texts["kept_for"]):
        yield "kept_for", "must be small letters, digits and hyphens"


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= COORDINATE_MAX else None


def _repetitions(lines: list[_Line]) -> Iterator[tuple[str, str]]:
    first: dict[str, int] = {}
    for line in lines:
        before = first.setdefault(line.seat_id, line.number)
        if before != line.number:
            yield f"line {line.number}", f"is the seat of line {before} again: {line.seat_id!r}"
    if len({line.texts["category"] for line in lines}) > CATEGORIES_MAX:
        yield "category", f"has more than {CATEGORIES_MAX} different ones"


def _plan(lines: list[_Line], name: str) -> PretixPlan:
    sections: dict[str, dict[str, list[PretixSeat]]] = {}
    for line in lines:
        texts = line.texts
        seat = PretixSeat(
            seat_guid=line.seat_id,
            seat_number=texts["seat"],
            position=line.place,
            category=texts["category"],
        )
        sections.setdefault(texts["section"], {}).setdefault(texts["row"], []).append(seat)
    categories = dict.fromkeys(line.texts["category"] for line in lines)
    return PretixPlan(
        name=name[:LABEL_LENGTH_MAX],
        categories=tuple(
            PretixCategory(category, COLORS[index % len(COLORS)])
            for index, category in enumerate(categories)
        ),
        zones=tuple(
            PretixZone(
                name=section,
                position=Point(),
                rows=tuple(
                    PretixRow(row_number=row, seats=tuple(seats)) for row, seats in rows.items()
                ),
            )
            for section, rows in sections.items()
        ),
        size=PretixSize(
            _reach([line.place.x for line in lines]), _reach([line.place.y for line in lines])
        ),
    )


def _reach(values: list[float]) -> int:
    return max(1, math.ceil(max(values)) + MARGIN)


def _extras(lines: list[_Line]) -> PlanExtras:
    nothing = SeatExtra()
    said = ((line.seat_id, line.said()) for line in lines)
    return PlanExtras(seats={seat_id: one for seat_id, one in said if one != nothing})
