"""Fonts for names in any script on a ticket, as far as a PDF of a few kilobytes can have them.

What every reader has comes first: Helvetica for Western European text, one of the four standard
East Asian fonts for Chinese, Japanese and Korean (and, wide but right, for Greek and Cyrillic).
Between the two, a font of the machine with more letters, if there is one; its used letters are
embedded. A letter nobody has loses its accent or becomes a question mark: the code, the ids and the
numbers that let a fan in are never affected. Right-to-left text is put in order of sight, Arabic
with its letters in their isolated forms.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont

LATIN: Final = ("Helvetica", "Helvetica-Bold")
# Where Linux distributions put fonts that have the rest of Latin, Greek, Cyrillic, Hebrew, Arabic.
# The last pair comes with reportlab, so there is always one; it has the letters of Turkish and
# Croatian, and some of Polish and Czech.
FONT_FILES: Final = (
    ("/usr/share/fonts/truetype/dejavu/DejaVuSans", ".ttf", "-Bold.ttf"),
    ("/usr/share/fonts/dejavu-sans-fonts/DejaVuSans", ".ttf", "-Bold.ttf"),
    ("/usr/share/fonts/TTF/DejaVuSans", ".ttf", "-Bold.ttf"),
    ("Vera", ".ttf", "Bd.ttf"),
)
JAPANESE, KOREAN = "HeiseiKakuGo-W5", "HYGothic-Medium"
SIMPLIFIED, TRADITIONAL = "STSong-Light", "MSung-Light"
UNKNOWN: Final = "?"
# An East Asian character with the marks that may not begin a line, or a word with those that stand
# apart from it in French; each with its blanks.
EAST_ASIAN: Final = "\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60"
CLOSING: Final = (
    "\u3001\u3002\uff0c\uff0e\uff1a\uff09\u300d\u300f\u30fc\u3063\u30c3\u3083\u3085\u3087"
)
BREAKS: Final = re.compile(rf"(?:[{EAST_ASIAN}][{CLOSING}]*|[^\s{EAST_ASIAN}]+(?: [:;!?»])*) ?")


@dataclass(frozen=True)
class TextRun:
    """A piece of text that one font can draw."""

    font: str
    text: str


class TicketFonts:
    """Chooses fonts; every name in it is registered with reportlab."""

    def __init__(self, font_files: Sequence[tuple[str, str, str]] = FONT_FILES) -> None:
        self._embedded = _register_first(font_files)
        for name in (JAPANESE, KOREAN, SIMPLIFIED, TRADITIONAL):
            pdfmetrics.registerFont(UnicodeCIDFont(name))

    def runs(
        self, text: str, *, bold: bool = False, whole: str | None = None, language: str = ""
    ) -> list[TextRun]:
        """Return the text in pieces, left to right as they are seen.

        whole is what the text is a line of: its lines look alike. Characters that several languages
        of East Asia have are drawn as in `language`, if it is one of them that has them all.
        """
        text = _as_seen(_clean(text))
        whole = text if whole is None else _clean(whole)
        if _is_latin(whole):
            return [TextRun(LATIN[bold], text)]
        regular, bold_face = self._embedded
        embedded = bold_face if bold else regular
        east_asian = _east_asian_font(whole, language)
        fonts: list[tuple[str, str]] = []
        # One font for the whole name looks better than letters of two in one word.
        in_one = all(ord(character) in embedded.face.charToGlyph for character in whole)
        for character in text:
            if character == " " and fonts:
                fonts.append((fonts[-1][0], character))  # a space is no reason to change
            elif not in_one and _is_latin(character):
                fonts.append((LATIN[bold], character))
            elif ord(character) in embedded.face.charToGlyph:
                fonts.append((embedded.fontName, character))
            elif _east_asian_has(character):
                fonts.append((east_asian, character))
            else:
                fonts.append((LATIN[bold], _nearest(character)))
        return [
            TextRun(font, "".join(character for _, character in pieces))
            for font, pieces in groupby(fonts, key=lambda piece: piece[0])
        ]


def runs_width(runs: Sequence[TextRun], size: float) -> float:
    """Return the width of all runs in points."""
    return float(sum(pdfmetrics.stringWidth(run.text, run.font, size) for run in runs))


def pieces_of(text: str) -> list[str]:
    """Return the text in the pieces between which a line may end; blanks stay at a piece's end.

    East Asian text has no blanks: a line ends after any character but before none that closes.
    """
    return BREAKS.findall(" ".join(text.split()))


@cache
def default_fonts() -> TicketFonts:
    """Return the fonts of this machine, looked for once per process."""
    return TicketFonts()


def _register_first(font_files: Sequence[tuple[str, str, str]]) -> tuple[TTFont, TTFont]:
    for stem, regular_end, bold_end in font_files:
        name = Path(stem).name
        try:
            faces = (TTFont(name, stem + regular_end), TTFont(f"{name}-Bold", stem + bold_end))
        except TTFError:
            continue  # not on this machine
        for face in faces:
            pdfmetrics.registerFont(face)
        return faces
    raise AssertionError("reportlab comes with Vera")


def _clean(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _is_latin(text: str) -> bool:
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _east_asian_font(text: str, language: str) -> str:
    """Guess the one font for all of a name's East Asian characters from those that tell."""
    names = [unicodedata.name(character, "") for character in text]
    ideographs = "".join(
        character for character, name in zip(text, names, strict=True) if name.startswith("CJK")
    )
    if any(name.startswith(("HIRAGANA", "KATAKANA")) for name in names):
        return JAPANESE
    if any(name.startswith("HANGUL") for name in names):
        return KOREAN
    if language == "ja" and _can_encode(ideographs, "shift_jis"):
        return JAPANESE
    return SIMPLIFIED if _can_encode(ideographs, "gb2312") else TRADITIONAL


def _east_asian_has(character: str) -> bool:
    if unicodedata.category(character) in ("So", "Cn", "Co"):
        return False
    return any(_can_encode(character, name) for name in ("gb2312", "big5", "shift_jis", "euc_kr"))


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _nearest(character: str) -> str:
    """Return the letter without its accent, nothing for a picture or mark, else a question mark."""
    if unicodedata.category(character)[0] in "SMC":
        return ""
    plain = "".join(part for part in unicodedata.normalize("NFKD", character) if _is_latin(part))
    return plain or UNKNOWN


def _as_seen(text: str) -> str:
    """Return the text from left to right: stretches in a right-to-left script turned round.

    The two cases of the bidirectional algorithm that names have: one stretch within the other
    direction, and a name that begins with one (then the stretches follow each other leftwards).
    """
    directions = [unicodedata.bidirectional(character) for character in text]
    if not any(direction in ("R", "AL") for direction in directions):
        return text
    stretches: list[tuple[bool, str]] = []
    for character, direction in zip(text, directions, strict=True):
        if direction == "NSM":
            continue  # vowel marks would land on the wrong letter
        is_right = direction in ("R", "AL")
        is_neutral = direction in ("WS", "ON", "CS")
        if stretches and (is_neutral or stretches[-1][0] == is_right):
            stretches[-1] = (stretches[-1][0], stretches[-1][1] + character)
        else:
            stretches.append((is_right, character))
    if stretches[0][0]:
        return "".join(_turned(part, is_right, True) for is_right, part in reversed(stretches))
    return "".join(_turned(part, is_right, False) for is_right, part in stretches)


def _turned(part: str, is_right: bool, whole_is_right: bool) -> str:
    """Return one stretch as it is seen; the blanks at its end follow the direction of the whole."""
    if whole_is_right == is_right:
        return part[::-1] if is_right else part
    words = part.rstrip()
    blanks = part[len(words) :]
    return words[::-1] + blanks if is_right else blanks + words
