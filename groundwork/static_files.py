"""Serves the static files of the pages: read once, compressed once, cached for ever by version."""

import gzip
import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

STATIC_PREFIX: Final = "/static/"

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


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file ready to be sent, plain and compressed."""

    body: bytes
    gzipped: bytes
    content_type: str
    version: str


class StaticFiles:
    """The static files of this process, read once; `/static/<mount>/<path>`.

    `only` names those wanted of folders that have more, as `<mount>/<path>`.
    """

    def __init__(self, mounts: Mapping[str, Path], only: Collection[str] | None = None) -> None:
        self._sources = {
            f"{mount}/{path.relative_to(folder).as_posix()}": path
            for mount, folder in mounts.items()
            for path in sorted(folder.rglob("*"))
            if path.suffix in CONTENT_TYPES
            and (only is None or f"{mount}/{path.relative_to(folder).as_posix()}" in only)
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
