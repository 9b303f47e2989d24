"""Renders the pages of both tiers, in every language, and answers requests with them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from gettext import NullTranslations
from pathlib import Path
from typing import ClassVar, Final

import jinja2
from aiohttp import web
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from groundwork.languages import (
    ENGLISH,
    LANGUAGE_COOKIE,
    LANGUAGE_COOKIE_SECONDS,
    LANGUAGE_PARAMETER,
    LANGUAGES,
    Language,
    chosen_now,
    language_of,
)
from groundwork.page_formats import FILTERS
from groundwork.static_files import StaticFiles
from groundwork.translations import load_translations, plural_samples

BASE_DIR: Final = Path(__file__).parent

# What a page may load: nothing but this origin's own files. Send it with every page.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemPage:
    """A refusal as a page (template problem.html).

    `status` is the HTTP status and `code` the slug of the refusal; the template has words for all
    of them. `title`, `text` and `advice`, if given, are shown instead (already translated).
    `action_url` is where the one thing to do next leads, `action` says what it is: the template has
    the words. `request_id` is the reference a fan can quote, `retry_after` seconds (0: none).
    """

    status: int
    code: str = "internal-error"
    title: str = ""
    text: str = ""
    advice: str = ""
    action_url: str = ""
    action: str = ""
    request_id: str = ""
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class SwitchLink:
    """A way to the same page in another language."""

    language: Language
    url: str


class PageRenderer:
    """Turns a view (a dataclass) and a template into a page.

    `package_dirs` maps a static mount to the folder that holds `templates/`, `static/` and
    `locale/`: `{"room": Path("gateway/pages")}`. The shared ones and `/static/base/` are always
    there. Everything is read and compiled here, so that rendering touches no disk.
    """

    def __init__(self, package_dirs: Mapping[str, Path]) -> None:
        folders = [*package_dirs.values(), BASE_DIR]
        self.static_files = StaticFiles(
            {mount: folder / "static" for mount, folder in package_dirs.items()}
            | {"base": BASE_DIR / "static"}
        )
        self._translations = load_translations(folders)
        self._environment = self._make_environment([folder / "templates" for folder in folders])
        for name in self._environment.list_templates(extensions=["html", "txt"]):
            self._environment.get_template(name)

    def render(
        self,
        template: str,
        view: object,
        language: Language = ENGLISH,
        switch: Sequence[SwitchLink] = (),
    ) -> str:
        """The page as HTML; the template sees `view` as `page`. `switch` leads to other languages."""
        return self._environment.get_template(template).render(
            page=view,
            language=language,
            switch=switch,
            translations=self._translations[language.code],
        )

    def mail(self, template: str, view: object, language: Language) -> tuple[str, str]:
        """A mail's subject and text: the first line of the template, and the rest."""
        subject, _, text = self.render(template, view, language).strip().partition("\n")
        return subject, text.strip() + "\n"

    def _make_environment(self, folders: Sequence[Path]) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folders),
            # Mails are plain text: what is escaped there would be read as it stands.
            autoescape=jinja2.select_autoescape(disabled_extensions=("txt",), default=True),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,  # every template stays compiled: there are about a dozen
            extensions=["jinja2.ext.i18n"],
        )
        # One compiled template speaks all languages: the words are looked up as it is written.
        environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
        environment.globals |= {
            "static": self.static_files.url,
            "poster_numbers": poster_numbers,
            "plural_texts": plural_texts,
        }
        environment.filters |= FILTERS
        return environment


@pass_context
def gettext(context: Context, message: str) -> str:
    """The message in the language of the page."""
    translations: NullTranslations = context["translations"]
    return translations.gettext(message)


@pass_context
def ngettext(context: Context, singular: str, plural: str, count: int) -> str:
    """The form of the message for so many, in the language of the page."""
    translations: NullTranslations = context["translations"]
    return translations.ngettext(singular, plural, count)


@pass_context
def plural_texts(context: Context, name: str, singular: str, plural: str) -> Markup:
    """The forms of a message for `plural()` of texts.js: one text for each form the language has."""
    line = Markup('  <p data-text="{}_{}">{}</p>\n')
    return Markup().join(
        line.format(name, category, ngettext(context, singular, plural, sample))
        for category, sample in plural_samples(context["language"]).items()
    )


class Page(web.Response):
    """A page, with whatever status."""

    documented_status: ClassVar[int] = 200
    media_type: ClassVar[str] = "text/html"


def html_response(
    request: web.Request,
    renderer: PageRenderer,
    template: str,
    view: object,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Page:
    """Answer with a page in the fan's language, and remember the language if they chose it now."""
    language = language_of(request)
    response = Page(
        text=renderer.render(template, view, language, switch_links(request)),
        content_type="text/html",
        status=status,
        headers={
            "Cache-Control": "no-store",
            "Content-Language": language.code,
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Vary": "Accept-Language, Cookie",
            **(headers or {}),
        },
    )
    chosen = chosen_now(request)
    if chosen is not None:
        response.set_cookie(
            LANGUAGE_COOKIE,
            chosen.code,
            max_age=LANGUAGE_COOKIE_SECONDS,
            path="/",
            samesite="Lax",
        )
    return response


def switch_links(request: web.Request) -> list[SwitchLink]:
    """Return the ways to this page in every language; none from the answer to a form."""
    if request.method not in ("GET", "HEAD"):
        return []
    # Only the query: a link never leads to another path or host than the page itself.
    return [
        SwitchLink(language, "?" + _query_with(request, language.code)) for language in LANGUAGES
    ]


def _query_with(request: web.Request, code: str) -> str:
    return request.rel_url.update_query({LANGUAGE_PARAMETER: code}).raw_query_string


def poster_numbers(event_id: str) -> Sequence[int]:
    """32 numbers from 0 to 255 that belong to this event for good: the seed of its poster."""
    return list(hashlib.sha256(f"poster:{event_id}".encode()).digest())
