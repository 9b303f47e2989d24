"""A palette out of one brand colour, with every text readable (WCAG 2.2 AA), by light and by dark."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# What text needs against its background (WCAG 1.4.3), and a little more for rounding.
CONTRAST_MIN: Final = 4.55
HEX: Final = re.compile(r"#[0-9a-f]{6}")
# The surfaces of base.css that the accent stands on.
LIGHT_CARD: Final = "#ffffff"
DARK_CARD: Final = "#141d1a"
# Colour is moved by so much lightness until it can be read: finer steps look the same.
LIGHTNESS_STEP: Final = 0.01
# How much lighter or darker a pressed button is.
STRONGER: Final = 0.07
# Tints are seen as surfaces, not as colours: nearly white, nearly black, and pale.
LIGHT_TINT: Final = (0.945, 0.028)
DARK_TINT: Final = (0.285, 0.035)
PAPER: Final = (0.972, 0.006)


@dataclass(frozen=True, slots=True)
class Shade:
    """The accent and what goes with it on light or on dark surfaces."""

    accent: str
    accent_strong: str
    on_accent: str
    tint: str


def palette(colour: str) -> tuple[Shade, Shade]:
    """Return the shades for light and for dark, as near to the colour as reading allows."""
    assert HEX.fullmatch(colour), colour
    lightness, chroma, hue = _to_oklch(colour)
    return (
        _shade(lightness, chroma, hue, LIGHT_CARD, LIGHT_TINT, -1),
        _shade(lightness, chroma, hue, DARK_CARD, DARK_TINT, 1),
    )


def paper(colour: str) -> str:
    """Return the page's background with a breath of the colour."""
    _, chroma, hue = _to_oklch(colour)
    return _to_hex(PAPER[0], min(chroma, PAPER[1]), hue)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _shade(
    lightness: float, chroma: float, hue: float, card: str, tint: tuple[float, float], away: int
) -> Shade:
    tinted = _to_hex(tint[0], min(chroma, tint[1]), hue)
    accent, found = card, lightness
    for found in _towards(lightness, away):
        accent = _to_hex(found, chroma, hue)
        if all(contrast(accent, surface) >= CONTRAST_MIN for surface in (card, tinted)):
            break
    return Shade(
        accent,
        _to_hex(min(1.0, max(0.0, found + away * STRONGER)), chroma, hue),
        max("#ffffff", "#0b0f0e", key=lambda text: contrast(text, accent)),
        tinted,
    )


def _towards(lightness: float, away: int) -> Iterator[float]:
    """Yield the lightness and then ever more of it, or less, up to the end."""
    yield lightness
    for step in range(1, round(1 / LIGHTNESS_STEP) + 1):
        yield min(1.0, max(0.0, lightness + away * step * LIGHTNESS_STEP))


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part) for part in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _encoded(channel: float) -> float:
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


def _to_oklch(colour: str) -> tuple[float, float, float]:
    """Return lightness, chroma and hue as eyes see them (Oklab, Björn Ottosson, 2020)."""
    red, green, blue = (_linear(part) for part in _channels(colour))
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return lightness, math.hypot(a, b), math.atan2(b, a)


def _to_hex(lightness: float, chroma: float, hue: float) -> str:
    """Return the colour, paler where a screen cannot show it so strong."""
    while chroma > 0:
        linear = _to_linear(lightness, chroma, hue)
        if all(-0.0005 <= part <= 1.0005 for part in linear):
            break
        chroma = max(0.0, chroma - 0.004)
    parts = (
        round(255 * _encoded(min(1.0, max(0.0, part))))
        for part in _to_linear(lightness, chroma, hue)
    )
    return "#" + "".join(f"{part:02x}" for part in parts)


def _to_linear(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
