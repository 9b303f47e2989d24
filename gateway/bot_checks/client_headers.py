"""Whether a client is what it says it is, by its headers. Looking like a browser earns nothing."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

CHROMIUM: Final = re.compile(r"\b(?:Chrome|Chromium|CriOS|HeadlessChrome)/(?P<version>\d{2,3})\.")
# From this version on every Chromium sends Sec-Fetch-* and sec-ch-ua over https.
CHROMIUM_WITH_HINTS: Final = 89
HINTS: Final = ("Sec-CH-UA", "Sec-CH-UA-Platform", "Sec-CH-UA-Mobile")
HEADLESS: Final = re.compile(r"\b(?:HeadlessChrome|PhantomJS|Playwright|Puppeteer|Selenium)\b")
BRAND_VERSION: Final = re.compile(r'"(?:Chromium|Google Chrome)";v="(?P<version>\d{2,3})"')
# Clients that were looked at: a megabyte, and eight where somebody makes up the longest.
CLIENTS_REMEMBERED_MAX: Final = 1_024
# What a platform's hint is called, and how its user agents name it.
PLATFORMS: Final[Mapping[str, str]] = {
    "Windows": "Windows NT",
    "macOS": "Macintosh",
    "Android": "Android",
    "Linux": "Linux",
    "Chrome OS": "CrOS",
    "iOS": "like Mac OS X",
}


def signals_of_headers(headers: Mapping[str, str], *, is_secure: bool) -> frozenset[str]:
    """Return the signals in a request's headers.

    A program that does not pretend to be a browser shows none: it is welcome to join, see
    docs/clients.md. Hints are sent over https, or to the same machine, so that elsewhere nothing is
    missed.
    """
    agent = headers.get("User-Agent", "")
    if not agent.startswith("Mozilla/"):
        return frozenset()
    brands, platform, mobile = (headers.get(name, "") for name in HINTS)
    found = _signals_of_client(agent, brands, platform, mobile)
    if not headers.get("Accept-Language"):
        found |= {"no-language"}
    if is_secure and "Sec-Fetch-Mode" not in headers and _has_hints(agent):
        found |= {"headers-missing"}
    return found


# Nearly all fans have one of some hundreds of browsers. A request's head, and so each of these, is bounded.
@lru_cache(CLIENTS_REMEMBERED_MAX)
def _signals_of_client(agent: str, brands: str, platform: str, mobile: str) -> frozenset[str]:
    found = set()
    if HEADLESS.search(agent) or "HeadlessChrome" in brands:
        found.add("automated")
    chromium = CHROMIUM.search(agent)
    if chromium and _has_hints(agent):
        branded = BRAND_VERSION.search(brands)
        named = PLATFORMS.get(platform.strip('"'), "")
        is_other_version = branded is not None and branded["version"] != chromium["version"]
        # A tablet may say ?0 and Android; a phone that says ?1 is always called Mobile.
        is_other_kind = mobile == "?1" and "Mobile" not in agent
        if is_other_version or named not in agent or is_other_kind:
            found.add("headers-contradict")
    return frozenset(found)


def _has_hints(agent: str) -> bool:
    chromium = CHROMIUM.search(agent)
    # Every browser on an iPhone is Safari inside, and has none.
    return (
        chromium is not None
        and "CriOS/" not in agent
        and int(chromium["version"]) >= CHROMIUM_WITH_HINTS
    )
