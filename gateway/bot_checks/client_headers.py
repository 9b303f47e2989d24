"""Whether a client is what it says it is, by its headers. Looking like a browser earns nothing."""

import re
from collections.abc import Mapping
from typing import Final

CHROMIUM: Final = re.compile(r"\b(?:Chrome|Chromium|CriOS|HeadlessChrome)/(?P<version>\d{2,3})\.")
# From this version on every Chromium sends Sec-Fetch-* and sec-ch-ua over https.
CHROMIUM_WITH_HINTS: Final = 89
HEADLESS: Final = re.compile(r"\b(?:HeadlessChrome|PhantomJS|Playwright|Puppeteer|Selenium)\b")
BRAND_VERSION: Final = re.compile(r'"(?:Chromium|Google Chrome)";v="(?P<version>\d{2,3})"')
# What a platform's hint is called, and how its user agents name it.
PLATFORMS: Final[Mapping[str, str]] = {
    "Windows": "Windows NT",
    "macOS": "Macintosh",
    "Android": "Android",
    "Linux": "Linux",
    "Chrome OS": "CrOS",
    "iOS": "like Mac OS X",
}


def signals_of_headers(headers: Mapping[str, str], *, is_secure: bool) -> set[str]:
    """Return the signals in a request's headers.

    A program that does not pretend to be a browser shows none: it is welcome to join, see
    docs/clients.md. Hints are sent over https, or to the same machine, so that elsewhere nothing is
    missed.
    """
    agent = headers.get("User-Agent", "")
    if not agent.startswith("Mozilla/"):
        return set()
    found = set()
    if HEADLESS.search(agent) or "HeadlessChrome" in headers.get("Sec-CH-UA", ""):
        found.add("automated")
    if not headers.get("Accept-Language"):
        found.add("no-language")
    chromium = CHROMIUM.search(agent)
    # Every browser on an iPhone is Safari inside, and has no hints.
    if chromium is None or "CriOS/" in agent or int(chromium["version"]) < CHROMIUM_WITH_HINTS:
        return found
    if is_secure and "Sec-Fetch-Mode" not in headers:
        found.add("headers-missing")
    if _contradicts(headers, agent, chromium["version"]):
        found.add("headers-contradict")
    return found


def _contradicts(headers: Mapping[str, str], agent: str, version: str) -> bool:
    brands = headers.get("Sec-CH-UA", "")
    branded = BRAND_VERSION.search(brands)
    if branded and branded["version"] != version:
        return True
    platform = headers.get("Sec-CH-UA-Platform", "").strip('"')
    if platform in PLATFORMS and PLATFORMS[platform] not in agent:
        return True
    mobile = headers.get("Sec-CH-UA-Mobile")
    # A tablet may say ?0 and Android; a phone that says ?1 is always called Mobile.
    return mobile == "?1" and "Mobile" not in agent
