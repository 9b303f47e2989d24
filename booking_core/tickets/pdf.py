"""Tickets as a PDF, one A6 page each: what the fan shows at the door, on a phone or on paper."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Annotated, Final

import msgspec
from babel.dates import format_skeleton, format_time
from babel.numbers import format_currency, get_currency_precision
from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from booking_core.tickets.fonts import TextRun, TicketFonts, default_fonts, pieces_of, runs_width
from booking_core.tickets.labels import labels_of
from booking_core.tickets.qr import qr_matrix
from groundwork.languages import ENGLISH
from groundwork.zones import zone_of, zone_word

TICKETS_MAX: Final = 100  # the most seats an event may allow one fan; 100 pages take about 2 s
WIDTH, HEIGHT = 105 * mm, 148 * mm  # A6: four to a sheet of A4, and about a phone's shape
MARGIN: Final = 8 * mm
HEADER_HEIGHT: Final = 50 * mm
TEAR_Y: Final = 66 * mm
# A code of 400 characters has 77 modules across, of 0.65 mm each: cheap scanners want 0.4. The
# white around it that a scanner needs (4 modules) is the page's margin.
QR_SIZE: Final = 50 * mm
INK, PAPER, MUTED = HexColor("#141a33"), HexColor("#ffffff"), HexColor("#69708a")
ON_INK, LINE = HexColor("#c3cae6"), HexColor("#c9cddb")
PLAIN_COLOR: Final = "#6b7280"
ELLIPSIS: Final = "…"
SHRINK_STEP: Final = 0.5  # points; finer steps are not seen


class PrintedTicket(msgspec.Struct, frozen=True, kw_only=True):
    """One page. Section, row and seat stay empty for stock without seats."""

    ticket_id: str
    code: str
    tier: str
    price: int
    section: str = ""
    row: str = ""
    seat: str = ""
    color: str = PLAIN_COLOR


class TicketSheet(msgspec.Struct, frozen=True, kw_only=True):
    """All tickets of one order. Prices in minor units; `labels` are as labels_of gives them.

    `time_zone` is the IANA name of the one in whose clock the beginning is told.
    `paid` is what the order cost with its charges, which are names and amounts.
    """

    order_id: str
    ordered_at_ms: int
    event_name: str
    venue: str
    city: str
    starts_at_ms: int
    currency: str
    tickets: Annotated[tuple[PrintedTicket, ...], msgspec.Meta(min_length=1)]
    paid: int | None = None
    charges: tuple[tuple[str, int], ...] = ()
    time_zone: str = "UTC"
    locale: str = ENGLISH.locale_name
    issuer: str = "Onsale"
    labels: Mapping[str, str] = msgspec.field(default_factory=lambda: labels_of(ENGLISH))


def render_tickets_pdf(sheet: TicketSheet) -> bytes:
    """Return the PDF, the same bytes for the same sheet (with the same fonts on the machine).

    Takes about 20 ms a page and touches nothing but its argument: run it in a thread or process.
    """
    assert 1 <= len(sheet.tickets) <= TICKETS_MAX
    written = BytesIO()
    canvas = Canvas(
        written, pagesize=(WIDTH, HEIGHT), invariant=1, lang=sheet.locale.replace("_", "-")
    )
    ordered_at = datetime.fromtimestamp(sheet.ordered_at_ms / 1000, UTC)
    canvas.setDateFormatter(lambda *_: f"D:{ordered_at:%Y%m%d%H%M%S}Z")
    canvas.setTitle(sheet.event_name)
    canvas.setAuthor(sheet.issuer)
    canvas.setSubject(sheet.order_id)
    canvas.setCreator("Onsale")
    for number in range(len(sheet.tickets)):
        _Page(canvas, sheet, number, default_fonts()).draw()
    canvas.save()
    return written.getvalue()


class _Page:
    def __init__(self, canvas: Canvas, sheet: TicketSheet, number: int, fonts: TicketFonts) -> None:
        self._canvas = canvas
        self._sheet = sheet
        self._ticket = sheet.tickets[number]
        self._labels = sheet.labels
        self._count = self._labels["of"].format(number=number + 1, count=len(sheet.tickets))
        self._fonts = fonts
        self._language = sheet.locale[:2]

    def draw(self) -> None:
        self._canvas.setFillColor(PAPER)  # readers in dark mode show a page without one as black
        self._canvas.rect(0, 0, WIDTH, HEIGHT, stroke=0, fill=1)
        self._draw_header()
        self._draw_seat()
        self._draw_tear_line()
        self._draw_code()
        self._draw_ids()
        self._canvas.showPage()

    def _draw_header(self) -> None:
        canvas, sheet = self._canvas, self._sheet
        canvas.setFillColor(INK)
        canvas.rect(0, HEIGHT - HEADER_HEIGHT, WIDTH, HEADER_HEIGHT, stroke=0, fill=1)
        canvas.setFillColor(_color(self._ticket.color))
        canvas.rect(0, HEIGHT - HEADER_HEIGHT, WIDTH, 1.6 * mm, stroke=0, fill=1)
        canvas.setFillColor(ON_INK)
        width = WIDTH - 2 * MARGIN
        top = HEIGHT - 9 * mm
        self._text(MARGIN, top, f"{sheet.issuer} · {self._labels['title']}", 7.5, width * 0.7)
        self._text(WIDTH - MARGIN, top, self._count, 7.5, width * 0.3, align="right")
        canvas.setFillColor(PAPER)
        size, lines = self._fitted(sheet.event_name, width, 19, 14, lines_max=2)
        if lines[-1].endswith(ELLIPSIS):
            size, lines = self._fitted(sheet.event_name, width, 14, 10, lines_max=3)
        y = HEIGHT - 15 * mm - size * 0.75
        for line in lines:
            self._line(MARGIN, y, line, size, bold=True, whole=sheet.event_name)
            y -= size * 1.15
        zone = zone_of(sheet.time_zone)
        starts_at = datetime.fromtimestamp(sheet.starts_at_ms / 1000, zone)
        date = format_skeleton("yMMMMEEEd", starts_at, tzinfo=zone, locale=sheet.locale)
        time = format_time(starts_at, "short", tzinfo=zone, locale=sheet.locale)
        bottom = HEIGHT - HEADER_HEIGHT + 6 * mm
        when = f"{date} · {time} {zone_word(starts_at)}"
        self._text(MARGIN, bottom + 5.5 * mm, when, 10.5, width, bold=True)
        canvas.setFillColor(ON_INK)
        where = " · ".join(part for part in (sheet.venue, sheet.city) if part)
        self._text(MARGIN, bottom, where, 9.5, width)

    def _draw_seat(self) -> None:
        labels, ticket = self._labels, self._ticket
        width = WIDTH - 2 * MARGIN
        if ticket.seat:
            self._fact(MARGIN, 90 * mm, labels["section"], ticket.section, 17, width * 0.5)
            self._fact(MARGIN + width * 0.54, 90 * mm, labels["row"], ticket.row, 17, width * 0.2)
            self._fact(
                MARGIN + width * 0.78, 90 * mm, labels["seat"], ticket.seat, 17, width * 0.22
            )
        else:
            self._fact(MARGIN, 90 * mm, labels["entry"], labels["unseated"], 17, width)
        price = self._money(ticket.price)
        self._fact(MARGIN, 77 * mm, labels["tier"], ticket.tier, 12, width * 0.5)
        self._fact(MARGIN + width * 0.54, 77 * mm, labels["price"], price, 12, width * 0.46)
        if self._sheet.paid is not None and self._sheet.charges:
            charges = ", ".join(
                f"{name} {self._money(cents)}" for name, cents in self._sheet.charges
            )
            paid = labels["paid"].format(total=self._money(self._sheet.paid))
            line = labels["charges"].format(total=paid, charges=charges)
            self._canvas.setFillColor(MUTED)
            self._text(MARGIN, TEAR_Y + 1.5 * mm, line, 6.5, width)

    def _money(self, cents: int) -> str:
        amount = Decimal(cents).scaleb(-get_currency_precision(self._sheet.currency))
        return format_currency(amount, self._sheet.currency, locale=self._sheet.locale)

    def _draw_tear_line(self) -> None:
        canvas = self._canvas
        canvas.setStrokeColor(LINE)
        canvas.setLineWidth(0.8)
        canvas.setDash(2.4, 2.4)
        canvas.line(5 * mm, TEAR_Y, WIDTH - 5 * mm, TEAR_Y)
        canvas.setDash()
        for x in (0, WIDTH):
            canvas.circle(x, TEAR_Y, 2.6 * mm, stroke=1, fill=0)

    def _draw_code(self) -> None:
        """Draw the symbol as one path of horizontal bars: sharp at every size, few bytes."""
        canvas = self._canvas
        rows = qr_matrix(self._ticket.code)
        module = QR_SIZE / len(rows)
        top = TEAR_Y - 3 * mm
        path = canvas.beginPath()
        for y, row in enumerate(rows):
            x = 0
            while x < len(row):
                if row[x]:
                    end = row.find(b"\0", x)
                    end = len(row) if end < 0 else end
                    path.rect(
                        MARGIN + x * module, top - (y + 1) * module, (end - x) * module, module
                    )
                    x = end
                else:
                    x += 1
        canvas.setFillColor(HexColor("#000000"))
        canvas.drawPath(path, stroke=0, fill=1)

    def _draw_ids(self) -> None:
        labels = self._labels
        left = MARGIN + QR_SIZE + 5 * mm
        width = WIDTH - left - MARGIN
        y = TEAR_Y - 3 * mm - 10
        self._canvas.setFillColor(INK)
        y = self._paragraph(left, y, labels["scan"], 10.5, width, bold=True)
        self._canvas.setFillColor(MUTED)
        self._paragraph(left, y - 5, labels["once"], 7.5, width)
        full = WIDTH - 2 * MARGIN
        ids = ((labels["ticket"], self._ticket.ticket_id), (labels["order"], self._sheet.order_id))
        for y, (label, value) in zip((7.2 * mm, 4 * mm), ids, strict=True):
            self._text(MARGIN, y, f"{label} {value}", 6.5, full)

    def _fact(self, x: float, y: float, label: str, value: str, size: float, width: float) -> None:
        self._canvas.setFillColor(MUTED)
        self._text(x, y, label, 7, width)
        self._canvas.setFillColor(INK)
        self._text(x, y - size * 0.72 - 1.8 * mm, value, size, width, bold=True)

    def _paragraph(
        self, x: float, y: float, text: str, size: float, width: float, *, bold: bool = False
    ) -> float:
        size, lines = self._fitted(text, width, size, size * 0.7, lines_max=8, bold=bold)
        for line in lines:
            self._line(x, y, line, size, bold=bold, whole=text)
            y -= size * 1.25
        return y

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        width: float,
        *,
        bold: bool = False,
        align: str = "left",
    ) -> None:
        size, lines = self._fitted(text, width, size, size * 0.6, lines_max=1, bold=bold)
        if align == "right":
            x -= self._width(lines[0], size, bold=bold, whole=text)
        self._line(x, y, lines[0], size, bold=bold, whole=text)

    def _line(self, x: float, y: float, line: str, size: float, *, bold: bool, whole: str) -> None:
        for run in self._runs(line, bold, whole):
            self._canvas.setFont(run.font, size)
            self._canvas.drawString(x, y, run.text)
            x += runs_width([run], size)

    def _fitted(
        self,
        text: str,
        width: float,
        size: float,
        size_min: float,
        *,
        lines_max: int,
        bold: bool = True,
    ) -> tuple[float, list[str]]:
        """Return the largest size and the lines in which the text fits; else cut it at size_min."""
        while len(lines := self._broken(text, width, size, bold)) > lines_max and size > size_min:
            size -= SHRINK_STEP
        if len(lines) > lines_max:
            rest = " ".join(lines[lines_max - 1 :])
            while rest and self._width(rest + ELLIPSIS, size, bold=bold, whole=text) > width:
                rest = rest[:-1]
            lines = [*lines[: lines_max - 1], rest.rstrip() + ELLIPSIS]
        return size, lines

    def _broken(self, text: str, width: float, size: float, bold: bool) -> list[str]:
        lines = [""]
        for piece in pieces_of(text):
            longer = lines[-1] + piece
            if (
                not lines[-1].strip()
                or self._width(longer.rstrip(), size, bold=bold, whole=text) <= width
            ):
                lines[-1] = longer
            else:
                lines.append(piece)
        return [line.strip() for line in lines]

    def _width(self, line: str, size: float, *, bold: bool, whole: str) -> float:
        return runs_width(self._runs(line, bold, whole), size)

    def _runs(self, line: str, bold: bool, whole: str) -> list[TextRun]:
        return self._fonts.runs(line, bold=bold, whole=whole, language=self._language)


def _color(text: str) -> HexColor:
    try:
        return HexColor(text)
    except ValueError:
        return HexColor(PLAIN_COLOR)
