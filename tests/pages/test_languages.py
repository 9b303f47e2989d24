"""Which language a fan gets, how they change it, and what stays English."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from gateway.pages import make_renderer
from groundwork.languages import LANGUAGE_COOKIE, LANGUAGES, Language, preferred
from groundwork.pages import ProblemPage, html_response, switch_links

Client = TestClient[web.Request, web.Application]


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    renderer = make_renderer()

    async def show(request: web.Request) -> web.Response:
        return html_response(request, renderer, "problem.html", ProblemPage(status=404))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", show)
    async with TestClient(TestServer(app), cookie_jar=DummyCookieJar()) as client:
        yield client


@pytest.mark.parametrize(
    ("accepts", "code"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("zh-CN,zh;q=0.9,ja;q=0.7,en;q=0.5", "ja"),
        ("en;q=0.2, ar-MA;q=0.9", "ar"),
        ("PT-br", "pt"),
        ("fr;q=0", "en"),
        ("fr;q=2, es;q=nonsense, de;q=0.1", "de"),
        ("*", "en"),
        (",;q=1,,", "en"),
        ("x" * 5000, "en"),
        (",".join(["xx"] * 40) + ",de", "en"),
    ],
)
def test_the_browsers_list_chooses(accepts: str, code: str) -> None:
    assert preferred(accepts).code == code


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
async def test_a_page_says_which_language_it_is(client: Client, language: Language) -> None:
    code = language.code
    answer = await client.get("/x", headers={"Accept-Language": code})

    direction = "rtl" if code == "ar" else "ltr"
    assert f'<html lang="{code}" dir="{direction}"' in await answer.text()
    assert answer.headers["Content-Language"] == code
    assert "Accept-Language" in answer.headers["Vary"]


async def test_a_choice_is_remembered_and_beats_the_browser(client: Client) -> None:
    chosen = await client.get("/x?lang=es", headers={"Accept-Language": "de"})
    assert chosen.headers["Content-Language"] == "es"
    assert chosen.cookies[LANGUAGE_COOKIE].value == "es"

    later = await client.get(
        "/x", headers={"Accept-Language": "de", "Cookie": f"{LANGUAGE_COOKIE}=es"}
    )
    assert later.headers["Content-Language"] == "es"
    assert LANGUAGE_COOKIE not in later.cookies


async def test_what_is_no_language_chooses_nothing(client: Client) -> None:
    answer = await client.get("/x?lang=tlh", headers={"Cookie": f"{LANGUAGE_COOKIE}=../etc"})

    assert answer.headers["Content-Language"] == "en"
    assert LANGUAGE_COOKIE not in answer.cookies


def test_the_switch_keeps_what_the_address_says_and_never_leaves_the_site() -> None:
    request = make_mocked_request("GET", "//evil.example/x?event=a%26b&lang=fr")
    urls = {link.language.code: link.url for link in switch_links(request)}

    assert urls.keys() == {language.code for language in LANGUAGES}
    assert urls["de"] == "?event=a%26b&lang=de"


async def test_the_answer_to_a_form_offers_no_switch(client: Client) -> None:
    assert 'class="languages"' not in await (await client.post("/x")).text()
