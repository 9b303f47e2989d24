"""Static files: versioned addresses, caching, imports that carry versions too."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from groundwork.pages import PageRenderer
from groundwork.static_files import CACHE_FOREVER, StaticFiles

ROOT = Path(__file__).parents[2]
FILES = web.AppKey("files", StaticFiles)
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    files = PageRenderer({"room": ROOT / "gateway/pages"}).static_files
    app = web.Application()
    app.router.add_get("/static/{path:.+}", files.handle)
    app.router.add_get("/url/{path:.+}", say_url)
    app[FILES] = files
    async with TestClient(TestServer(app)) as client:
        yield client


async def say_url(request: web.Request) -> web.Response:
    return web.Response(text=request.app[FILES].url(request.match_info["path"]))


async def url(client: Client, path: str) -> str:
    return await (await client.get(f"/url/{path}")).text()


async def test_a_versioned_address_is_kept_for_ever(client: Client) -> None:
    answer = await client.get(await url(client, "base/base.css"))

    assert answer.status == 200
    assert answer.content_type == "text/css"
    assert answer.headers["Cache-Control"] == CACHE_FOREVER
    assert answer.headers["Content-Encoding"] == "gzip"


async def test_another_version_is_asked_for_again(client: Client) -> None:
    answer = await client.get("/static/base/base.css?v=old")
    again = await client.get(
        "/static/base/base.css", headers={"If-None-Match": answer.headers["ETag"]}
    )

    assert answer.headers["Cache-Control"] == "no-cache"
    assert again.status == 304


async def test_what_is_not_there_is_not_found(client: Client) -> None:
    for path in ("base/none.css", "base/../pages.py", "room/../../views.py"):
        assert (await client.get(f"/static/{path}")).status == 404


async def test_imported_modules_have_versions_too(client: Client) -> None:
    source = await (await client.get("/static/room/waiting_room.js")).text()

    imported = re.findall(r'from "([^"]+)"', source)
    assert imported
    assert all(re.search(r"\.js\?v=[0-9a-f]{10}$", name) for name in imported)
    for name in imported:
        address = name if name.startswith("/") else f"/static/room/{name[2:]}"
        assert (await client.get(address)).headers["Cache-Control"] == CACHE_FOREVER


def test_modules_that_import_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('import "./b.js";')
    (tmp_path / "b.js").write_text('import "./a.js";')

    with pytest.raises(AssertionError, match="circle"):
        StaticFiles({"base": tmp_path})
