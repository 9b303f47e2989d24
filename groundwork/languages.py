"""The languages pages are shown in, and which of them a request asks for."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from aiohttp import web
from babel import Locale

# `?lang=de` chooses, this cookie remembers. It holds nothing but the code, so scripts may see it.
LANGUAGE_PARAMETER: Final = "lang"
LANGUAGE_COOKIE: Final = "onsale-language"
# A choice should outlive the longest time between two sales of one artist.
LANGUAGE_COOKIE_SECONDS: Final = 2 * 365 * 24 * 60 * 60
# "de-CH;q=0.8": the primary subtag is all that tells our languages apart.
PREFERENCE: Final = re.compile(
    r"\s*([a-z]{1,8})(?:-[a-z0-9-]*)?\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*", re.I
)
# Browsers send up to about ten; a longer list is no browser's.
PREFERENCES_MAX: Final = 32


@dataclass(frozen=True)
class Language:
    """One language: its code as in `<html lang>`, its name in itself, where its forms come from.

    `locale_name` is what numbers, dates and plurals follow on the server, `intl` the same for Intl
    in the browser.
    """

    code: str
    name: str
    locale_name: str
    intl: str

    @cached_property
    def locale(self) -> Locale:
        """Everything Babel knows of it."""
        return Locale.parse(self.locale_name)

    @property
    def direction(self) -> str:
        """Which way it is written: ltr or rtl."""
        return str(self.locale.text_direction)


ENGLISH: Final = Language("en", "English", "en_GB", "en-GB")
LANGUAGES: Final[tuple[Language, ...]] = (
    ENGLISH,
    Language("de", "Deutsch", "de_DE", "de-DE"),
    Language("es", "Español", "es_ES", "es-ES"),
    Language("fr", "Français", "fr_FR", "fr-FR"),
    Language("pt", "Português", "pt_BR", "pt-BR"),
    Language("ja", "日本語", "ja_JP", "ja-JP"),
    # With the digits 0 to 9, which are read from Rabat to Muscat; Babel's dates have them, too.
    Language("ar", "العربية", "ar", "ar-u-nu-latn"),
)
BY_CODE: Final = {language.code: language for language in LANGUAGES}


def language_of(request: web.Request) -> Language:
    """Return the language to answer in: the one chosen, the one remembered, the browser's."""
    for code in (request.query.get(LANGUAGE_PARAMETER), request.cookies.get(LANGUAGE_COOKIE)):
        if code in BY_CODE:
            return BY_CODE[code]
    return preferred(request.headers.get("Accept-Language", ""))


def preferred(accept_language: str) -> Language:
    """Return the language that a browser's list likes best and we have; English if there is none."""
    best, best_quality = ENGLISH, 0.0
    for part in accept_language.split(",")[:PREFERENCES_MAX]:
        found = PREFERENCE.fullmatch(part)
        if found is None:
            continue
        language = BY_CODE.get(found[1].lower())
        quality = 1.0 if found[2] is None else float(found[2])
        if language is not None and quality > best_quality:
            best, best_quality = language, quality
    return best


def chosen_now(request: web.Request) -> Language | None:
    """Return the language that this very request chose, to be remembered."""
    return BY_CODE.get(request.query.get(LANGUAGE_PARAMETER, ""))
