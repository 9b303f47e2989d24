"""The translations of the pages, compiled out of the .po files when a process starts.

There is no build step and no compiled file that could be older than its source: reading all of them
takes a tenth of a second, once for each process.
"""

import gettext
import io
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from groundwork.languages import LANGUAGES, Language

SAMPLES = (*range(201), 1_000_000)  # between them every plural form of every language occurs


@cache
def read_catalogue(path: Path) -> Catalog:
    """Return what a .po file says."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def load_translations(folders: Iterable[Path]) -> dict[str, gettext.NullTranslations]:
    """Return the translations by language code, out of every folder's `locale/<code>.po`.

    English is the language the pages are written in. A message without a translation stays English.
    """
    folders = list(folders)
    return {language.code: _load(folders, language) for language in LANGUAGES}


def _load(folders: list[Path], language: Language) -> gettext.NullTranslations:
    loaded: gettext.NullTranslations = gettext.NullTranslations()
    for folder in folders:
        path = folder / "locale" / f"{language.code}.po"
        if not path.exists():
            continue
        compiled = io.BytesIO()
        write_mo(compiled, read_catalogue(path))
        compiled.seek(0)
        found = gettext.GNUTranslations(compiled)
        found.add_fallback(loaded)
        loaded = found
    return loaded


@cache
def plural_samples(language: Language) -> dict[str, int]:
    """Return the plural categories of the language as Intl names them, each with a number of it."""
    samples: dict[str, int] = {}
    for number in SAMPLES:
        samples.setdefault(str(language.locale.plural_form(number)), number)
    return samples
