"""Every mail in every language: a subject of one line, plain text, and what it is sent for."""

import re
from pathlib import Path

import pytest

from groundwork.languages import LANGUAGES, Language
from groundwork.pages import PageRenderer
from tests.pages import sample_mail

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted(
    path.name
    for folder in ("gateway/pages", "booking_core/pages")
    for path in (ROOT / folder / "templates").glob("*.txt")
)


@pytest.fixture(scope="module")
def renderer() -> PageRenderer:
    return PageRenderer({"room": ROOT / "gateway/pages", "shop": ROOT / "booking_core/pages"})


def test_there_is_a_sample_of_every_mail() -> None:
    assert sorted(sample_mail.ALL_MAILS) == TEMPLATES


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda each: each.code)
@pytest.mark.parametrize("template", sorted(sample_mail.ALL_MAILS))
def test_a_mail_is_plain_text_and_says_what_it_must(
    renderer: PageRenderer, template: str, language: Language
) -> None:
    for view, words in sample_mail.ALL_MAILS[template].values():
        subject, text = renderer.mail(template, view, language)
        assert subject
        assert not re.search(r"&\w+;|[{}<>]|%\(", subject + text), "nothing of the template is left"
        assert "\n\n\n" not in text
        assert text.endswith("\n")
        for word in words:
            assert word in text
