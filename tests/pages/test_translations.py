"""Every word of every page in every language: there, up to date, and with the same gaps to fill."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from groundwork.languages import LANGUAGES, Language
from groundwork.pages import PageRenderer
from groundwork.translations import SAMPLES, load_translations, plural_samples
from tests.pages import catalogues, sample_views

ROOT = Path(__file__).parents[2]
GAP = re.compile(r"%\(\w+\)s|\{\w+\}|%")
FILES = [(folder, language) for folder in catalogues.FOLDERS for language in catalogues.TRANSLATED]
IDS = [f"{folder.relative_to(ROOT)}-{language.code}" for folder, language in FILES]
HOW = "run `make translations`, then translate what is new"


@pytest.fixture(scope="module")
def renderer() -> PageRenderer:
    return PageRenderer({"room": ROOT / "gateway/pages", "shop": ROOT / "booking_core/pages"})


def forms(message: Message) -> list[str]:
    if not message.pluralizable:
        return [str(message.string)]
    return [message.string] if isinstance(message.string, str) else list(message.string)


@pytest.mark.parametrize(("folder", "language"), FILES, ids=IDS)
def test_a_catalogue_has_what_the_templates_say_and_nothing_else(
    folder: Path, language: Language
) -> None:
    wanted = {message.id for message in catalogues.extracted(folder) if message.id}
    catalogue = catalogues.read(folder, language)

    assert {message.id for message in catalogue if message.id} == wanted, HOW
    assert not catalogue.obsolete, HOW
    written = catalogues.path_of(folder, language).read_bytes()
    catalogues.write(folder, language, catalogues.updated(folder, language))
    rewritten = catalogues.path_of(folder, language).read_bytes()
    catalogues.path_of(folder, language).write_bytes(written)
    assert written == rewritten, HOW


@pytest.mark.parametrize(("folder", "language"), FILES, ids=IDS)
def test_every_message_is_translated_with_the_same_gaps(folder: Path, language: Language) -> None:
    catalogue = catalogues.read(folder, language)
    alone = forms_of_one_number(language)
    for message in catalogue:
        if not message.id:
            continue
        assert not message.fuzzy, message.id
        found = forms(message)
        assert all(form.strip() for form in found), f"{message.id}: {HOW}"
        assert len(found) == (catalogue.num_plurals if message.pluralizable else 1), message.id
        wanted = Counter(GAP.findall(message.id[1] if message.pluralizable else message.id))
        for index, form in enumerate(found):
            gaps = Counter(GAP.findall(form))
            if message.pluralizable and index in alone:
                assert gaps <= wanted, form  # "in two minutes" needs no figure
            else:
                assert gaps == wanted, form


# What readers of a language take for a slip: words of Portugal in Brazil's pages, the familiar form
# in Spanish ones that say "usted", and in a shop "no seat is free" of a door that is not.
SLIPS = {
    "pt": r"hipótese|encomenda|bilhete|\bpartilh|anotámos|guardámos|libertad|\bpara si\b|\bprima\b"
    r"|\bpremido|esta(r|mos|va)? a \w+r\b|está a \w+r\b|ligação|apagamo-la|\bIntroduz",
    "es": r"\b(ti|tú|tu|tus|tienes|puedes|arrastra|pellizca|prueba|elígelos|toca|pulsa)\b",
    "de": r"\b(du|dein|deine|deinen|dir|dich)\b|noch kein Platz frei|Auslosung",
    "fr": r"\b(tu|toi|ton|tes|rangée)\b",
}


@pytest.mark.parametrize("code", SLIPS)
def test_a_language_keeps_its_country_and_its_form_of_address(code: str) -> None:
    language = next(each for each in catalogues.TRANSLATED if each.code == code)
    slip = re.compile(SLIPS[code], re.IGNORECASE)
    for folder in catalogues.FOLDERS:
        for message in catalogues.read(folder, language):
            for form in forms(message) if message.id else ():
                assert not slip.search(form), form


def forms_of_one_number(language: Language) -> set[int]:
    """The plural forms that are for a single number, which words can say as well."""
    plural = load_translations(catalogues.FOLDERS)[language.code].plural  # type: ignore[attr-defined]
    counts = Counter(plural(number) for number in SAMPLES)
    return {form for form, count in counts.items() if count == 1}


@pytest.mark.parametrize("language", catalogues.TRANSLATED, ids=lambda each: each.code)
def test_server_and_browser_choose_the_same_form(language: Language) -> None:
    plural = load_translations(catalogues.FOLDERS)[language.code].plural  # type: ignore[attr-defined]
    samples = plural_samples(language)

    assert "other" in samples
    for number in SAMPLES:
        category = str(language.locale.plural_form(number))
        assert plural(number) == plural(samples[category]), (number, category)


VOID = frozenset(
    ("meta", "link", "input", "br", "img", "hr", "path", "circle", "ellipse", "rect", "stop")
)


class Reader(HTMLParser):
    """Checks that every element of a page is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass  # <circle/> opens nothing

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda each: each.code)
def test_every_page_can_be_written_in_every_language(
    renderer: PageRenderer, language: Language
) -> None:
    for template, views in sample_views.ALL_PAGES.items():
        for state, view in views.items():
            html = renderer.render(template, view, language)
            assert not Reader(html).open, (template, state)
            visible = re.sub(r"<template.*?</template>", "", html, flags=re.DOTALL)
            assert "{count}" not in visible, (template, state)
            assert "%(" not in html, (template, state)


def test_a_page_speaks_its_language_and_no_other(renderer: PageRenderer) -> None:
    view = sample_views.ALL_PAGES["waiting_room.html"]["waiting"]
    said = {
        language.code: renderer.render("waiting_room.html", view, language)
        for language in LANGUAGES
    }
    assert "1.240 Schätzungen trafen 82\xa0% zu" in said["de"]
    assert "1,240 estimates held" in said["en"]
    assert "1 240 dernières" in said["fr"].replace("\u202f", " ").replace("\xa0", " ")
    assert "85\xa0€" in said["de"]
    assert "€85" in said["en"]
    assert "人が前に並んでいます" in said["ja"]
    assert '<html lang="ar" dir="rtl" data-intl="ar-u-nu-latn">' in said["ar"]


def test_the_kind_of_an_event_is_said_in_the_fans_language(renderer: PageRenderer) -> None:
    page = sample_views.ALL_PAGES["event.html"]["plain"]
    german = next(language for language in LANGUAGES if language.code == "de")
    assert ">Konzert<" in renderer.render("event.html", page, german)
    unknown = replace(page, event=replace(page.event, category="matinée"))
    assert ">Matinée<" in renderer.render("event.html", unknown, german)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "شخص أمامك"),
        (2, "شخصان أمامك"),
        (7, "أشخاص أمامك"),
        (45, "شخصًا أمامك"),
        (100, "شخص أمامك"),
    ],
)
def test_arabic_has_six_forms(renderer: PageRenderer, count: int, words: str) -> None:
    translations = load_translations(catalogues.FOLDERS)["ar"]
    assert translations.ngettext("fan ahead of you", "fans ahead of you", count) == words
