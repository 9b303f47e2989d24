"""Renders the pages of both tiers and serves the static files they ask for."""

import gzip
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

import jinja2
from aiohttp import web
from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, get_currency_precision

BASE_DIR: Final = Path(__file__).parent
STATIC_PREFIX: Final = "/static/"

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

CONTENT_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
# Ten hexadecimal digits tell the versions of one file apart; more only makes pages longer.
VERSION_DIGITS: Final = 10
# A versioned address never changes its content, so browsers may keep it for a year.
CACHE_FOREVER: Final = "public, max-age=31536000, immutable"
# How one module names another: "./proof_worker.js" or "/static/base/js/texts.js".
MODULE_NAME: Final = re.compile(r'"((?:\./|/static/)[\w./-]+\.js)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemPage:
    """A refusal as a page (template problem.html).

    `status` is the HTTP status and `code` the slug of the refusal; the template has words for all
    of them. `title`, `text` and `advice`, if given, are shown instead (already translated).
    `action_url` with `action_label` is the one thing to do next; without it the page offers the
    start page. `request_id` is the reference a fan can quote, `retry_after` seconds (0: none).
    """

    status: int
    code: str = "internal-error"
    title: str = ""
    text: str = ""
    advice: str = ""
    action_url: str = ""
    action_label: str = ""
    request_id: str = ""
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file ready to be sent, plain and compressed."""

    body: bytes
    gzipped: bytes
    content_type: str
    version: str


class StaticFiles:
    """The static files of this process, read once; `/static/<mount>/<path>`."""

    def __init__(self, mounts: Mapping[str, Path]) -> None:
        self._sources = {
            f"{mount}/{path.relative_to(folder).as_posix()}": path
            for mount, folder in mounts.items()
            for path in sorted(folder.rglob("*"))
            if path.suffix in CONTENT_TYPES
        }
        self._files: dict[str, StaticFile] = {}
        for name in self._sources:
            self._load(name, ())

    def url(self, path: str) -> str:
        """The address of a file with its version, e.g. `url("base/base.css")`.

        Raises KeyError for a file that does not exist: a template's mistake.
        """
        return f"{STATIC_PREFIX}{path}?v={self._files[path].version}"

    async def handle(self, request: web.Request) -> web.Response:
        """Answer `GET /static/{path:.+}`. A versioned address may be cached for ever."""
        file = self._files.get(request.match_info["path"])
        if file is None:
            raise web.HTTPNotFound
        is_versioned = request.query.get("v") == file.version
        headers = {
            "Cache-Control": CACHE_FOREVER if is_versioned else "no-cache",
            "ETag": f'"{file.version}"',
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if any(tag.value == file.version for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        body = file.body
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = file.gzipped
        return web.Response(
            body=body, content_type=file.content_type, charset="utf-8", headers=headers
        )

    def _load(self, name: str, parents: tuple[str, ...]) -> StaticFile:
        assert name not in parents, f"modules import each other in a circle: {parents} {name}"
        if name in self._files:
            return self._files[name]
        path = self._sources[name]
        body = path.read_bytes()
        if path.suffix == ".js":
            body = self._with_versions(name, body.decode(), (*parents, name)).encode()
        self._files[name] = StaticFile(
            body,
            gzip.compress(body, mtime=0),
            CONTENT_TYPES[path.suffix],
            hashlib.sha256(body).hexdigest()[:VERSION_DIGITS],
        )
        return self._files[name]

    def _with_versions(self, name: str, source: str, parents: tuple[str, ...]) -> str:
        """Imported modules get versions too, so that a change reaches every browser at once."""
        folder = name.rpartition("/")[0]

        def versioned(match: re.Match[str]) -> str:
            written = match[1]
            if written.startswith(STATIC_PREFIX):
                target = written.removeprefix(STATIC_PREFIX)
            else:
                target = f"{folder}/{written.removeprefix('./')}"
            return f'"{written}?v={self._load(target, parents).version}"'

        return MODULE_NAME.sub(versioned, source)


class PageRenderer:
    """Turns a view (a dataclass) and a template into a page.

    `package_dirs` maps a static mount to the folder that holds `templates/` and `static/`:
    `{"room": Path("gateway/pages")}`. The shared templates and `/static/base/` are always there.
    Everything is read and compiled here, so that rendering touches no disk.
    """

    def __init__(self, package_dirs: Mapping[str, Path], locale: str = "en_GB") -> None:
        folders = [*package_dirs.values(), BASE_DIR]
        self.static_files = StaticFiles(
            {mount: folder / "static" for mount, folder in package_dirs.items()}
            | {"base": BASE_DIR / "static"}
        )
        self._locale = Locale.parse(locale)
        self._environment = self._make_environment([folder / "templates" for folder in folders])
        for name in self._environment.list_templates(extensions=["html"]):
            self._environment.get_template(name)

    def render(self, template: str, view: object) -> str:
        """The page as HTML; the template sees `view` as `page`."""
        return self._environment.get_template(template).render(page=view)

    def _make_environment(self, folders: Sequence[Path]) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folders),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,  # every template stays compiled: there are about a dozen
            extensions=["jinja2.ext.i18n"],
        )
        environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
        environment.globals |= {
            "static": self.static_files.url,
            "language": self._locale.language,
            "direction": self._locale.text_direction,
            "poster_numbers": poster_numbers,
        }
        environment.filters |= {
            "money": self._money,
            "amount": plain_amount,
            "number": self._number,
            "day": self._day,
            "moment": self._moment,
            "iso": iso_time,
            "clock": clock_text,
        }
        return environment

    def _money(self, minor_units: int, currency: str) -> str:
        digits = get_currency_precision(currency)
        amount = Decimal(minor_units).scaleb(-digits)
        is_whole = amount == amount.to_integral_value()
        return format_currency(
            int(amount) if is_whole else amount,
            currency,
            "¤#,##0" if is_whole else None,
            locale=self._locale,
            currency_digits=not is_whole,
        )

    def _number(self, value: float) -> str:
        return format_decimal(value, "#,##0.#", locale=self._locale)

    def _day(
        self, at: datetime, form: Literal["full", "long", "medium", "short"] = "medium"
    ) -> str:
        return format_date(at.astimezone(UTC).date(), form, locale=self._locale)

    def _moment(self, at: datetime) -> str:
        return format_datetime(at, "EEE d MMM y, HH:mm", tzinfo=UTC, locale=self._locale) + " UTC"


def iso_time(at: datetime) -> str:
    """RFC 3339 in UTC to the second, for `<time datetime>`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain_amount(minor_units: int, currency: str) -> str:
    """A price as machines read it: 85.00."""
    return str(Decimal(minor_units).scaleb(-get_currency_precision(currency)))


def clock_text(length_ms: int) -> str:
    """A length of time as a clock shows it: 7:05, or 1:07:05 from an hour up."""
    minutes, seconds = divmod(max(0, length_ms) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def poster_numbers(event_id: str) -> Sequence[int]:
    """32 numbers from 0 to 255 that belong to this event for good: the seed of its poster."""
    return list(hashlib.sha256(f"poster:{event_id}".encode()).digest())
