"""Every page in every state: renders, keeps the content security policy, is well built."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from booking_core.pages import make_renderer as make_shop_renderer
from gateway.pages import make_renderer as make_room_renderer
from gateway.pages.views import RELOAD_JOIN_SECONDS
from groundwork.pages import PageRenderer
from tests.pages import sample_room, sample_shop, sample_views

STATES = [
    (template, state) for template, views in sample_views.ALL_PAGES.items() for state in views
]
VOID = {"ellipse", "meta", "link", "input", "br", "img", "hr", "path", "circle", "rect", "stop"}
CONTROLS = {"input", "select"}


@pytest.fixture(scope="module")
def renderer() -> PageRenderer:
    root = Path(__file__).parents[2]
    return PageRenderer({"room": root / "gateway/pages", "shop": root / "booking_core/pages"})


class Document(HTMLParser):
    """What a page consists of, as far as the tests ask."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text_in: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text_in.append((self.open[-1], data))

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in tags]


def document(renderer: PageRenderer, template: str, state: str) -> Document:
    return Document(renderer.render(template, sample_views.ALL_PAGES[template][state]))


@pytest.mark.parametrize(("template", "state"), STATES)
def test_a_page_needs_no_inline_script_or_style(
    renderer: PageRenderer, template: str, state: str
) -> None:
    page = document(renderer, template, state)

    for tag, attributes in page.tags:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "src", "action"):
            assert not attributes.get(name, "").startswith(("javascript:", "//")), tag
    assert "style" not in [tag for tag, _ in page.tags]
    for script in page.all("script"):
        assert (
            script.get("src", "").startswith("/static/") or script["type"] == "application/ld+json"
        )


@pytest.mark.parametrize(("template", "state"), STATES)
def test_a_page_is_well_built(renderer: PageRenderer, template: str, state: str) -> None:
    page = document(renderer, template, state)

    assert not page.open, "every element is closed"
    assert page.all("html")[0] == {"lang": "en", "dir": "ltr", "data-intl": "en-GB"}
    assert len(page.all("main")) == 1
    assert 1 <= len(page.all("h1")) <= 2  # checkout has one for the hold that is over
    assert any(tag == "title" and text.strip() for tag, text in page.text_in)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)), "ids are unique"


@pytest.mark.parametrize(("template", "state"), STATES)
def test_every_control_has_a_name_and_every_picture_words(
    renderer: PageRenderer, template: str, state: str
) -> None:
    html = renderer.render(template, sample_views.ALL_PAGES[template][state])
    page = Document(html)

    labelled = {attributes["for"] for attributes in page.all("label") if "for" in attributes}
    for control in page.all(*CONTROLS):
        if control.get("type") in ("hidden", "checkbox", "radio"):
            continue  # those without a for-label are wrapped in theirs
        assert control.get("id") in labelled or control.get("aria-label"), control
    for picture in page.all("img"):
        # A picture that only decorates says so with an empty text.
        assert picture["alt"] or picture["class"] == "room-hero"
        assert picture["width"]
        assert picture["height"]
    for svg in page.all("svg"):
        assert svg.get("aria-hidden") == "true" or svg.get("aria-label")


@pytest.mark.parametrize("state", list(sample_room.waiting_pages()))
def test_the_waiting_page_shows_its_stage_and_hides_the_others(
    renderer: PageRenderer, state: str
) -> None:
    view = sample_room.waiting_pages()[state]
    page = document(renderer, "waiting_room.html", state)

    staged = [attributes for _, attributes in page.tags if "data-stages" in attributes]
    assert staged
    for attributes in staged:
        is_shown = "hidden" not in attributes
        assert is_shown == (view.stage in attributes["data-stages"].split()), attributes
    assert json.loads(page.all("main")[0]["data-board"])["phase"] == view.phase


def test_without_javascript_the_form_carries_the_wait_token_and_the_page_reloads(
    renderer: PageRenderer,
) -> None:
    html = renderer.render("waiting_room.html", sample_room.waiting_pages()["open"])

    assert '<input type="hidden" name="wait_token" value="wait-for-it">' in html
    assert (
        f'<noscript><meta http-equiv="refresh" content="{RELOAD_JOIN_SECONDS}"></noscript>' in html
    )


@pytest.mark.parametrize(
    ("state", "is_beacon_named"),
    [
        ("before", False),
        ("entered", False),
        ("drawing", False),
        ("before_with_beacon", True),
        ("drawing_with_beacon", True),
    ],
)
def test_only_a_draw_with_a_beacon_is_said_to_be_steered_by_nobody(
    renderer: PageRenderer, state: str, is_beacon_named: bool
) -> None:
    page = document(renderer, "waiting_room.html", state)

    [beacon] = [each for each in page.all("p") if each.get("data-part") == "draw-beacon"]
    [alone] = [each for each in page.all("p") if each.get("data-part") == "draw-alone"]
    assert ("hidden" in beacon, "hidden" in alone) == (not is_beacon_named, is_beacon_named)


def test_both_say_what_they_prove(renderer: PageRenderer) -> None:
    html = renderer.render("waiting_room.html", sample_room.waiting_pages()["before"])

    [beacon] = re.findall(r'data-part="draw-beacon"[^>]*>(.*?)</p>', html)
    [alone] = re.findall(r'data-part="draw-alone"[^>]*>(.*?)</p>', html)
    assert "nobody can steer" in beacon
    assert "public randomness is added" in beacon
    assert "nobody" not in alone
    assert "does not prove that the organiser" in alone


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        ("waiting", 20),
        ("entered", 20),
        ("before", 60),
        ("called", 20),
        ("called_late", 0),
        ("called_unknown", 0),
        ("called_paused", 20),
        ("called_postponed", 20),
        ("sold_out", 60),
        ("closed", 0),
    ],
)
def test_a_page_reloads_itself_only_while_something_may_change(state: str, seconds: int) -> None:
    assert sample_room.waiting_pages()[state].reload_after_seconds == seconds


def test_a_page_that_waits_for_the_opening_reloads_right_after_it() -> None:
    view = sample_room.waiting_pages()["before"]
    soon = replace(view, now_ms=round(view.board.opens_at.timestamp() * 1000) - 33_000)

    assert soon.reload_after_seconds == 34


def test_a_member_is_told_the_wait_and_the_odds_of_their_lane(renderer: PageRenderer) -> None:
    member = sample_room.waiting_pages()["member"]
    assert member.ahead == 2
    assert member.eta is not None
    assert member.eta.p90 < 4, "not the 50 seconds that a hundred of the general line are told"
    assert member.chance == "likely"
    told = json.loads(member.board_json)
    told["lanes"][0].pop("eta")
    without = replace(member, board_json=json.dumps(told))
    assert without.eta == without.board.estimate(2), "a board of before tells everybody the same"


def test_what_others_wrote_is_shown_as_text(renderer: PageRenderer) -> None:
    nothing = renderer.render("on_sale.html", sample_shop.on_sale_pages()["nothing"])
    event = renderer.render("event.html", sample_shop.event_pages()["sold_out"])

    assert "<b>zz" not in nothing
    assert event.count("</script>") == 2, "a description cannot end the structured data"


def test_the_event_page_tells_search_engines_the_truth(renderer: PageRenderer) -> None:
    def offers(state: str) -> dict[str, Any]:
        html = renderer.render("event.html", sample_shop.event_pages()[state])
        found = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
        assert found
        return dict(json.loads(found[1])["offers"])

    assert offers("plain")["availability"] == "https://schema.org/InStock"
    assert offers("plain")["lowPrice"] == "45.00"
    assert offers("sold_out")["availability"] == "https://schema.org/SoldOut"


def test_every_text_a_module_asks_for_is_on_its_page(renderer: PageRenderer) -> None:
    root = Path(__file__).parents[2]
    pages = {
        "waiting_room.html": ("waiting", root / "gateway/pages/static"),
        "draw.html": ("drawn", root / "gateway/pages/static"),
        "check.html": ("asked", root / "gateway/pages/static"),
        "mailbox.html": ("address", root / "gateway/pages/static"),
        "seats.html": ("seated", root / "booking_core/pages/static"),
        "checkout.html": ("held", root / "booking_core/pages/static"),
        "order.html": ("pending", root / "booking_core/pages/static"),
    }
    there = {
        name
        for template, (state, _) in pages.items()
        for name in re.findall(
            r'data-text="([\w-]+)"',
            renderer.render(template, sample_views.ALL_PAGES[template][state]),
        )
    }
    for folder in {folder for _, folder in pages.values()}:
        for path in folder.glob("*.js"):
            wanted = set(re.findall(r'\btext\("([\w-]+)"', path.read_text()))
            assert wanted <= there, path.name


def test_each_tier_renders_with_its_own_templates_alone() -> None:
    room, shop = make_room_renderer(), make_shop_renderer()

    assert room.render("waiting_room.html", sample_room.waiting_pages()["open"])
    assert shop.render("on_sale.html", sample_shop.on_sale_pages()["all"])
    for renderer in (room, shop):
        assert renderer.render("problem.html", sample_views.problem_pages()["busy"])


def sources() -> Iterator[Path]:
    root = Path(__file__).parents[2]
    for folder in ("groundwork/static", "gateway/pages/static", "booking_core/pages/static"):
        yield from (root / folder).rglob("*.js")


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: path.name)
def test_a_module_is_small_and_writes_no_html(path: Path) -> None:
    source = path.read_text("utf-8")

    assert source.count("\n") <= 300
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|document\.write", source)
