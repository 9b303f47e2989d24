"""What kind of client a request comes from, as coarse as can be: its engine and its platform."""

import re
from collections.abc import Mapping
from typing import Final

# Every browser of today is one of three inside. Versions and brands are left out: a program that
# changes them with each ticket must not look like a crowd.
ENGINES: Final = ("other", "chromium", "gecko", "webkit")
PLATFORMS: Final = ("other", "windows", "android", "ios", "macos", "linux")
# The first that is found counts: iPhones say "like Mac OS X", and Android says "Linux".
_PLATFORM_WORDS: Final = (
    (re.compile(r"\b(?:iPhone|iPad|iPod)\b"), "ios"),
    (re.compile(r"\bAndroid\b"), "android"),
    (re.compile(r"\bWindows\b"), "windows"),
    (re.compile(r"\bMacintosh\b"), "macos"),
    (re.compile(r"\b(?:Linux|CrOS|X11)\b"), "linux"),
)
_ENGINE_WORDS: Final = (
    (re.compile(r"\b(?:Chrome|Chromium|HeadlessChrome)/"), "chromium"),
    (re.compile(r"\bGecko/"), "gecko"),
    (re.compile(r"\bAppleWebKit/"), "webkit"),
)


def kind_of(engine: str, platform: str) -> int:
    """Return the number of a kind: of one of ENGINES on one of PLATFORMS."""
    return ENGINES.index(engine) * len(PLATFORMS) + PLATFORMS.index(platform)


def kind_of_client(headers: Mapping[str, str]) -> int:
    """Return the number of the kind that a request's headers say."""
    agent = headers.get("User-Agent", "")
    platform = next((name for word, name in _PLATFORM_WORDS if word.search(agent)), "other")
    engine = next((name for word, name in _ENGINE_WORDS if word.search(agent)), "other")
    # Every browser on an iPhone is Safari inside.
    return kind_of("webkit" if platform == "ios" else engine, platform)
