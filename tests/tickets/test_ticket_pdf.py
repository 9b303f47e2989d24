"""The PDF carries what a door needs, in any script, and its symbol can be scanned from the page."""

from __future__ import annotations

import pickle
import re
import shutil
import subprocess
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from booking_core.tickets.codes import TicketCode, verify_ticket_code, write_ticket_code
from booking_core.tickets.fonts import JAPANESE, LATIN, TicketFonts, default_fonts, pieces_of
from booking_core.tickets.labels import labels_of, printed_language
from booking_core.tickets.pdf import PrintedTicket, TicketSheet, render_tickets_pdf
from booking_core.tickets.qr import QUIET_ZONE, qr_matrix, qr_svg
from groundwork.clock import SystemClock
from groundwork.keys import KeyRing
from groundwork.languages import BY_CODE, ENGLISH
from groundwork.tokens import Tokens

ORDER_ID = "5c7b8a9e-1f2d-4b3c-8a7d-9e0f1a2b3c4d"
VERA_ONLY = (("Vera", ".ttf", "Bd.ttf"),)


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing.generate(tmp_path_factory.mktemp("ring") / "keys.json")


def printed(ring: KeyRing, number: int = 1, **changes: Any) -> PrintedTicket:
    ticket_id = f"7d0e1c54-4c0f-4a51-9e3b-{number:012d}"
    code = TicketCode(
        ticket_id=ticket_id,
        event_id="demo-arena",
        order_id=ORDER_ID,
        tier="floor",
        seat_id=f"A-12-{number}",
        issued_at_ms=1_790_000_000_000,
    )
    fields = {
        "ticket_id": ticket_id,
        "code": write_ticket_code(Tokens(ring, SystemClock()), code),
        "tier": "Lower bowl",
        "price": 8950,
        "section": "Lower 104",
        "row": "12",
        "seat": str(number),
        "color": "#e11d48",
    }
    return PrintedTicket(**{**fields, **changes})


def sheet(*tickets: PrintedTicket, **changes: Any) -> TicketSheet:
    fields = {
        "order_id": ORDER_ID,
        "ordered_at_ms": 1_790_000_000_000,
        "event_name": "The Midnight Lanterns",
        "venue": "Riverside Arena",
        "city": "Rotterdam",
        "starts_at_ms": 1_797_000_000_000,
        "currency": "EUR",
        "time_zone": "Europe/Amsterdam",
        "tickets": tickets,
    }
    return TicketSheet(**{**fields, **changes})


def texts(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]


def draw(pdf: bytes, folder: Path, dots_per_inch: int) -> list[Image.Image]:
    (folder / "tickets.pdf").write_bytes(pdf)
    subprocess.run(
        ["pdftoppm", "-r", str(dots_per_inch), "-png", "tickets.pdf", "page"],
        cwd=folder,
        check=True,
    )
    return [Image.open(path).convert("L") for path in sorted(folder.glob("page*.png"))]


def test_a_page_says_everything(ring: KeyRing) -> None:
    first, second = texts(render_tickets_pdf(sheet(printed(ring, 1), printed(ring, 2))))

    for wanted in (
        "The Midnight Lanterns",
        "Riverside Arena · Rotterdam",
        "Friday, 11 December 2026 · 15:40",
        "CET",
        "Lower 104",
        "Lower bowl",
        "€89.50",
        "1 of 2",
        printed(ring, 1).ticket_id,
        ORDER_ID,
    ):
        assert wanted in first
    assert "2 of 2" in second
    assert printed(ring, 2).ticket_id in second


def test_every_page_is_an_a6_page(ring: KeyRing) -> None:
    for page in PdfReader(BytesIO(render_tickets_pdf(sheet(printed(ring))))).pages:
        assert (
            round(page.mediabox.width / 72 * 25.4),
            round(page.mediabox.height / 72 * 25.4),
        ) == (
            105,
            148,
        )


@pytest.mark.skipif(not shutil.which("pdftoppm"), reason="needs poppler-utils")
@pytest.mark.parametrize("dots_per_inch", [150, 300])
def test_the_symbol_is_scanned_from_the_page(
    ring: KeyRing, tmp_path: Path, dots_per_inch: int
) -> None:
    pdf = render_tickets_pdf(sheet(printed(ring, 1), printed(ring, 2)))

    images = draw(pdf, tmp_path, dots_per_inch)

    assert len(images) == 2
    for number, image in enumerate(images, 1):
        [symbol] = zxingcpp.read_barcodes(image, zxingcpp.BarcodeFormat.QRCode)
        ticket = verify_ticket_code(symbol.text, ring.jwks(), "demo-arena")
        assert ticket.ticket_id == printed(ring, number).ticket_id
        assert ticket.seat_id == f"A-12-{number}"


def test_the_same_sheet_gives_the_same_bytes(ring: KeyRing) -> None:
    wanted = sheet(printed(ring), event_name="Łódź")

    pdf = render_tickets_pdf(wanted)

    assert render_tickets_pdf(pickle.loads(pickle.dumps(wanted))) == pdf  # as a process pool does
    assert re.search(rb"/CreationDate \(D:20260921\d{6}Z\)", pdf)
    assert render_tickets_pdf(sheet(printed(ring), event_name="Łódź!")) != pdf


def test_a_place_without_a_seat(ring: KeyRing) -> None:
    [text] = texts(render_tickets_pdf(sheet(printed(ring, section="", row="", seat=""))))
    assert "Free choice of place" in text
    assert "Row" not in text


@pytest.mark.parametrize(
    ("currency", "locale", "price", "wanted"),
    [
        ("JPY", "en", 8950, "¥8,950"),
        ("BHD", "en", 8950, "BHD"),
        ("USD", "en", 0, "$0.00"),
        ("EUR", "de", 123456, "1.234,56"),
        ("XXX", "en", 8950, "89.50"),
    ],
)
def test_money_is_written_as_in_its_country(
    ring: KeyRing, currency: str, locale: str, price: int, wanted: str
) -> None:
    [text] = texts(
        render_tickets_pdf(sheet(printed(ring, price=price), currency=currency, locale=locale))
    )
    assert wanted in text


def test_labels_can_be_translated(ring: KeyRing) -> None:
    german = labels_of(BY_CODE["de"])
    [text] = texts(render_tickets_pdf(sheet(printed(ring), locale="de_DE", labels=german)))
    assert "Reihe" in text
    assert "Eintrittskarte" in text
    assert "Fr., 11. Dez. 2026" in text


def test_the_beginning_is_told_in_the_clock_of_the_house(ring: KeyRing) -> None:
    evening = datetime(2027, 6, 12, 20, tzinfo=ZoneInfo("America/New_York"))
    assert evening.astimezone(UTC).day == 13
    starts_at_ms = round(evening.timestamp() * 1000)

    def told(time_zone: str) -> str:
        changes = {"starts_at_ms": starts_at_ms, "time_zone": time_zone}
        [text] = texts(render_tickets_pdf(sheet(printed(ring), **changes)))
        return text

    assert "Saturday, 12 June 2027 · 20:00 EDT" in told("America/New_York")
    assert "Saturday, 12 June 2027 · 21:00 UTC-03" in told("America/Sao_Paulo")
    # A name that is newer than this machine's list stops no ticket.
    assert "Sunday, 13 June 2027 · 00:00 UTC" in told("Mars/Olympus_Mons")


def test_a_japanese_ticket_is_all_japanese_and_within_its_page(ring: KeyRing) -> None:
    japanese = printed_language("ja")
    words = labels_of(japanese)
    changes = {"locale": japanese.locale_name, "labels": words, "starts_at_ms": 1_812_844_800_000}
    [text] = texts(render_tickets_pdf(sheet(printed(ring), time_zone="Asia/Tokyo", **changes)))
    said = text.replace("\n", "")
    assert "2027年6月13日日曜日" in said
    assert "09:00 JST" in said or "9:00 JST" in said
    for key in ("title", "section", "row", "seat", "tier", "price", "scan", "once"):
        assert words[key] in said
    # Characters that Chinese has, too, come from the Japanese font.
    fonts = default_fonts()
    assert {run.font for run in fonts.runs("料金", language="ja")} == {JAPANESE}
    assert {run.font for run in fonts.runs("料金")} != {JAPANESE}


def test_lines_break_where_their_language_breaks_them() -> None:
    assert pieces_of("先に見せた。「はい」") == ["先", "に", "見", "せ", "た。", "「", "は", "い」"]
    assert pieces_of("le premier entre : gardez-le") == ["le ", "premier ", "entre : ", "gardez-le"]
    assert pieces_of(" ") == []


def test_a_ticket_in_a_script_that_our_fonts_do_not_join_is_english() -> None:
    assert printed_language("ar") == ENGLISH
    assert printed_language("") == ENGLISH
    assert printed_language("fr") == BY_CODE["fr"]


@pytest.mark.parametrize(
    "name",
    [
        "東京ナイト",
        "서울 콘서트",
        "北京音樂節",
        "Москва",
        "Ελλάδα",
        "Łódź: żółta gęś",
        "مهرجان الموسيقى",
        "אולם הקונצרטים",
        "ไทย เทศกาล",
        "🎵🎶",
        "a\u0301\u200b\x00\n\tb",
        "\ue000\U0010ffff",
        "",
        "x" * 500,
        "long words " * 60,
        "<b>&amp;</b> ( ) \\ %",
    ],
)
def test_a_name_in_any_script_gives_a_ticket(ring: KeyRing, name: str) -> None:
    ticket = printed(ring, section=name, row=name, seat=name or "7", tier=name, color=name)
    pdf = render_tickets_pdf(sheet(ticket, event_name=name, venue=name, city=name, issuer=name))

    [text] = texts(pdf)
    assert ticket.ticket_id in text  # what a door needs is never affected


@pytest.mark.parametrize(
    "name", ["東京ナイト", "서울 콘서트", "北京音樂節", "北京音乐节", "日本武道館"]
)
def test_east_asian_names_are_text_in_the_pdf(ring: KeyRing, name: str) -> None:
    [text] = texts(render_tickets_pdf(sheet(printed(ring), event_name=name)))
    assert name in text


def test_a_machine_without_fonts_still_shows_letters() -> None:
    fonts = TicketFonts((("/nowhere/None", ".ttf", "-Bold.ttf"), *VERA_ONLY))

    def seen(text: str) -> str:
        return "".join(run.text for run in fonts.runs(text))

    assert seen("Łódź: ős") == "Łódz: os"  # the nearest there is
    assert seen("Москва") == "Москва"  # from the East Asian fonts
    assert seen("שלום") == "????"
    assert seen("Party 🎵") == "Party "


def test_western_names_need_no_embedded_font() -> None:
    assert [run.font for run in default_fonts().runs("Zoë & Søren – “live” €5")] == [LATIN[0]]
    assert [run.font for run in default_fonts().runs("Zoë", bold=True)] == [LATIN[1]]


def test_lines_of_one_name_look_alike() -> None:
    whole = "Łódź nights"
    fonts = {run.font for run in default_fonts().runs("nights", whole=whole)}
    assert fonts == {run.font for run in default_fonts().runs("Łódź", whole=whole)}


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("abc", "abc"),
        ("שלום", "םולש"),
        ("Hall שלום עולם 7", "Hall םלוע םולש 7"),
        ("שלום Hall 7 עולם", "םלוע Hall 7 םולש"),
    ],
)
def test_right_to_left_stretches_are_put_in_order_of_sight(text: str, seen: str) -> None:
    assert "".join(run.text for run in default_fonts().runs(text)) == seen


def test_the_page_gets_a_symbol_it_can_style(ring: KeyRing) -> None:
    code = printed(ring).code
    svg = qr_svg(code, "Ticket <1>")

    assert svg.startswith("<svg")
    assert "<title>Ticket &lt;1&gt;</title>" in svg
    assert "style=" not in svg  # a strict content security policy forbids it
    modules = len(qr_matrix(code)) + 2 * QUIET_ZONE
    assert f'viewBox="0 0 {modules} {modules}"' in svg


def test_the_matrix_is_read_back(ring: KeyRing) -> None:
    code = printed(ring).code
    rows = qr_matrix(code)
    size = (len(rows) + 2 * QUIET_ZONE) * 4
    image = Image.new("L", (size, size), 255)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                left, top = (x + QUIET_ZONE) * 4, (y + QUIET_ZONE) * 4
                image.paste(0, (left, top, left + 4, top + 4))
    [symbol] = zxingcpp.read_barcodes(image, zxingcpp.BarcodeFormat.QRCode)
    assert symbol.text == code
