"""The page of a draw in a real browser: it works everything out again, and sees what was changed."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, Route, async_playwright

from gateway.draw import drawing, permutation
from gateway.draw.clusters import Cluster, packed
from gateway.draw.records import DrawPlan
from gateway.edge import cookies
from gateway.waiting_room.sales import Sale, SaleRecords
from tests.support.fan import DeviceKey, Fan
from tests.support.opening import open_shop
from tests.support.shop import Shop

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
VECTORS: Final = Path(__file__).with_name("vectors.json")
CLUSTER_VECTORS: Final = Path(__file__).with_name("cluster_vectors.json")
FANS: Final = 9
PATIENCE_SECONDS: Final = 20
_numbers = count(1)

# Runs every vector through the page's own modules, as their addresses were served.
RUN_VECTORS: Final = """async ([vectors, draw_js, sha256_js]) => {
  const draw = await import(draw_js);
  const { bytesOf, joined } = await import(sha256_js);
  const { permuted, draw: one } = vectors;
  const leaves = joined(...one.entries.map((entry) => bytesOf(entry.leaf)));
  return {
    permuted: permuted.map(({ seed, index, count }) => draw.permute(seed, index, count)),
    commitment: draw.commitmentOf(one.secret),
    root: await draw.rootOf(leaves),
    seed: draw.seedOf(one.secret, one.root, one.randomness),
    seed_without_beacon: draw.seedOf(one.secret, one.root, ""),
    leaves: one.entries.map(({ entry_number, fan_id }) => draw.leafOf(one.sale, entry_number, fan_id)),
    indexes: one.entries.map(({ entry_number }) => draw.indexOf(entry_number, one.count, one.gaps)),
    places: one.entries.map(({ entry_number }) => draw.placeOf(one.seed, entry_number, one.count, one.gaps)),
    lost: draw.sharedPlace(one.seed, one.lost.fan_id, one.count),
    in_gap: draw.placeOf(one.seed, 5, one.count, one.gaps),
  };
}"""


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    async with open_shop(redis_url, database_dsn, open_dir) as shop:
        yield shop


@dataclass
class Entered:
    """A sale that opens in an hour, and fans who came before."""

    shop: Shop
    sale_id: str
    fans: list[Fan]

    @property
    def path(self) -> str:
        return f"/sales/{self.sale_id}/draw"

    @property
    def document(self) -> str:
        return f"**/api/sales/{self.sale_id}/draw"

    @property
    def roster(self) -> str:
        return f"**/api/sales/{self.sale_id}/draw/roster*"

    @property
    def clusters(self) -> str:
        return f"**/api/sales/{self.sale_id}/draw/clusters"

    async def draw(self) -> None:
        """Let the sale open and its draw be made."""
        await self.shop.rows("UPDATE sales SET opens_at = now() WHERE sale_id = %s", self.sale_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self._state() != "drawn":
                await self.shop.refresh_rooms()

    async def _state(self) -> str:
        told = await self.fans[0].call("GET", f"/api/sales/{self.sale_id}/draw", credential="")
        return str(told.json["state"])


@pytest.fixture
async def entered(shop: Shop) -> Entered:
    sale = Sale(
        sale_id=f"looked-at-{next(_numbers)}", name="Drawn", opens_at=datetime.now(UTC) + timedelta(hours=1),
        state="open", pause_reason="", message="", rate_per_minute=60, burst=1, capacity=100,
    )  # fmt: skip
    await SaleRecords(shop.pool).create(sale, DrawPlan(b"\x17" * 32))
    await shop.refresh_rooms()
    fans = [Fan(shop, DeviceKey()) for _ in range(FANS)]
    for fan in fans:
        assert (await fan.join(sale.sale_id)).json["entry_number"]
    return Entered(shop, sale.sale_id, fans)


@pytest.fixture
async def page(browser: Browser, entered: Entered) -> AsyncIterator[Page]:
    """The browser of the first fan."""
    url = entered.shop.url
    context = await browser.new_context(base_url=url)
    name = f"{cookies.TICKET}-{entered.sale_id}"
    value = entered.fans[0].ticket
    await context.add_cookies([{"name": name, "value": value, "url": url}])
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    await context.close()
    assert errors == []


async def found_by(page: Page) -> tuple[str, dict[str, str]]:
    """Press the button; returns the sentence it ends with, and each finding."""
    await page.click("[data-begin]")
    await page.wait_for_selector("[data-begin]:enabled")
    checks = await page.eval_on_selector_all(
        "[data-check]:not([hidden])",
        "all => all.map((each) => [each.dataset.check, each.dataset.found])",
    )
    return await page.inner_text("[data-result]"), dict(checks)


async def test_a_browser_works_out_the_draw_and_knows_what_it_saw_before(
    page: Page, entered: Entered
) -> None:
    await page.goto(entered.path)
    commitment = await page.inner_text(".published .fingerprint >> nth=0")
    assert len(commitment) == 64
    assert await page.locator("[data-begin]").count() == 0
    await entered.draw()

    await page.reload()
    said, found = await found_by(page)

    assert said == "Everything fits. This draw is what was published of it."
    assert found == dict.fromkeys(
        ("commitment", "noted", "roster", "clusters", "seed", "entry", "place"), "right"
    )
    fan = entered.fans[0]
    place = await fan.call("GET", f"/api/sales/{entered.sale_id}/place", credential=fan.ticket)
    assert await page.get_attribute("#main", "data-place") == str(place.json["place"])


def rigged(change: Callable[[dict[str, Any]], None]) -> Callable[[Route], Any]:
    """Answer the draw's document with something changed in it."""

    async def answer(route: Route) -> None:
        told = await (await route.fetch()).json()
        change(told)
        await route.fulfill(json=told)

    return answer


async def with_another_leaf(route: Route) -> None:
    leaves = await (await route.fetch()).body()
    await route.fulfill(body=leaves[:-1] + bytes([leaves[-1] ^ 1]))


async def with_other_clusters(route: Route) -> None:
    await route.fulfill(body=packed([Cluster(8, tuple(range(9)))]))


async def with_no_clusters_at_all(route: Route) -> None:
    await route.fulfill(body=b"\0\0\0")


async def with_one_leaf_more(route: Route) -> None:
    await route.fulfill(body=await (await route.fetch()).body() + bytes(32))


OTHER = "5a" * 32
RIGGED: Final[dict[str, tuple[str, Callable[[Route], Any], str]]] = {
    "secret": ("document", rigged(lambda told: told.update(secret=OTHER)), "commitment"),
    "commitment": ("document", rigged(lambda told: told.update(commitment=OTHER)), "commitment"),
    "root": ("document", rigged(lambda told: told.update(root=OTHER)), "roster"),
    "gaps": ("document", rigged(lambda told: told.update(gaps=[[1, 1]])), "roster"),
    "seed": ("document", rigged(lambda told: told.update(seed=OTHER)), "seed"),
    "permutation": ("document", rigged(lambda told: told.update(permutation="mine")), "seed"),
    "clusters": ("clusters", with_other_clusters, "clusters"),
    "seed of other clusters": ("clusters", with_other_clusters, "seed"),
    "nonsense for clusters": ("clusters", with_no_clusters_at_all, "clusters"),
    "leaf": ("roster", with_another_leaf, "roster"),
    "a leaf more": ("roster", with_one_leaf_more, "roster"),
}


@pytest.mark.parametrize("what", RIGGED)
async def test_a_browser_sees_what_was_changed(page: Page, entered: Entered, what: str) -> None:
    await entered.draw()
    path, answer, noticed = RIGGED[what]
    await page.route(getattr(entered, path), answer)
    await page.goto(entered.path)

    said, found = await found_by(page)

    assert found[noticed] == "wrong"
    assert said == "Something does not fit. Keep this page and ask the organiser."


async def test_a_browser_works_out_who_shares_chances(
    page: Page, entered: Entered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is found of clusters is given here; that it is found: test_clustered_draws.py."""
    monkeypatch.setattr(drawing, "find_clusters", lambda _: [Cluster(8, tuple(range(FANS)))])
    await entered.draw()
    await page.goto(entered.path)
    said, found = await found_by(page)
    assert said == "Everything fits. This draw is what was published of it."
    assert found["clusters"] == found["place"] == "right"
    shares = await page.inner_text("section:has(#share)")
    assert "9 entries came in one rush" in shares
    assert "share 8 chances" in shares
    place = int(await page.get_attribute("#main", "data-place") or 0)
    assert ("Yours has none" in shares) == (place == FANS)
    fan = entered.fans[0]
    told = await fan.call("GET", f"/api/sales/{entered.sale_id}/place", credential=fan.ticket)
    assert told.json["shares"] == {"entries": 9, "chances": 8, "takes_part": place != FANS}
    assert [await row.inner_text() for row in await page.locator(".sizes td").all()] == [
        "9",
        "8",
        "1",
    ]


async def test_a_draw_of_before_is_checked_as_before(shop: Shop, browser: Browser) -> None:
    sale = Sale(
        sale_id="of-before", name="Drawn", opens_at=datetime.now(UTC) + timedelta(hours=1),
        state="open", pause_reason="", message="", rate_per_minute=60, burst=1, capacity=100,
    )  # fmt: skip
    plan = DrawPlan(b"\x17" * 32, permutation=permutation.NAME)
    await SaleRecords(shop.pool).create(sale, plan)
    await shop.refresh_rooms()
    fan = Fan(shop, DeviceKey())
    assert (await fan.join(sale.sale_id)).json["entry_number"]
    await Entered(shop, sale.sale_id, [fan]).draw()
    page = await browser.new_page(base_url=shop.url)
    await page.goto("/sales/of-before/draw")
    _, found = await found_by(page)
    assert found == dict.fromkeys(("commitment", "roster", "seed"), "right")
    nothing = await fan.call("GET", "/api/sales/of-before/draw/clusters", credential="")
    assert nothing.status == 404
    await page.close()


async def test_a_browser_sees_a_place_that_is_not_its_own(page: Page, entered: Entered) -> None:
    await entered.draw()
    await page.goto(entered.path)
    place = await page.get_attribute("#main", "data-place")

    async def with_another_place(route: Route) -> None:
        html = await (await route.fetch()).text()
        await route.fulfill(
            body=html.replace(f'data-place="{place}"', 'data-place="99"'), content_type="text/html"
        )

    await page.route(lambda url: url == entered.shop.url + entered.path, with_another_place)
    await page.reload()
    said, found = await found_by(page)

    assert {name for name, each in found.items() if each == "wrong"} == {"place"}
    assert said.startswith("Something does not fit")


async def test_a_roster_that_does_not_come_is_no_finding(page: Page, entered: Entered) -> None:
    await entered.draw()
    await page.route(entered.roster, lambda route: route.abort())
    await page.goto(entered.path)
    said, _ = await found_by(page)
    assert said == "The list could not be downloaded. Please try again."


RUN_CLUSTER_VECTORS: Final = """async ([vectors, draw_js, clusters_js, sha256_js]) => {
  const draw = await import(draw_js);
  const shared = await import(clusters_js);
  const { bytesOf } = await import(sha256_js);
  const { draw: one, chances } = vectors;
  const content = bytesOf(one.clusters);
  const clusters = shared.clustersOf(content, one.count);
  const behind = shared.behindOf(one.seed, clusters);
  return {
    all_chances: chances.map(({ size, floor }) => shared.chancesOf(size, floor)),
    digest: shared.digestOf(content),
    ...shared.tallyOf(clusters),
    histogram: shared.histogramOf(clusters),
    seed: draw.seedOf(one.secret, one.root, one.randomness, one.digest),
    seed_without_beacon: draw.seedOf(one.secret, one.root, "", one.digest),
    behind,
    places: one.places.map(
      ([number]) => [number, draw.placeOf(one.seed, number, one.count, one.gaps, behind)]),
    lost: draw.sharedPlace(one.seed, one.lost.fan_id, one.count - behind.length),
  };
}"""


async def test_the_browsers_clusters_are_those_of_the_vectors(page: Page, entered: Entered) -> None:
    vectors = json.loads(CLUSTER_VECTORS.read_text())
    one = vectors["draw"]
    await page.goto(entered.path)
    modules = [f"/static/room/{name}.js" for name in ("draw", "draw_clusters", "sha256")]
    found = await page.evaluate(RUN_CLUSTER_VECTORS, [vectors, *modules])
    assert found.pop("all_chances") == [each["chances"] for each in vectors["chances"]]
    assert found.pop("lost") == one["lost"]["place"]
    assert found == {name: one[name] for name in found}


async def test_the_browsers_mathematics_are_those_of_the_vectors(
    page: Page, entered: Entered
) -> None:
    vectors = json.loads(VECTORS.read_text())
    one = vectors["draw"]
    await page.goto(entered.path)

    made = await page.evaluate(
        RUN_VECTORS, [vectors, "/static/room/draw.js", "/static/room/sha256.js"]
    )

    assert made == {
        "permuted": [each["becomes"] for each in vectors["permuted"]],
        **{name: one[name] for name in ("commitment", "root", "seed", "seed_without_beacon")},
        "leaves": [entry["leaf"] for entry in one["entries"]],
        "indexes": [entry["index"] for entry in one["entries"]],
        "places": [entry["place"] for entry in one["entries"]],
        "lost": one["lost"]["place"],
        "in_gap": None,
    }
