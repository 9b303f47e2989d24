"""A sale that calls nobody, and the place a fan has in it as the page shows it."""

import json
import subprocess
import sys
import uuid
from urllib.error import HTTPError
from urllib.request import urlopen

from playwright.sync_api import Page, expect

from tests.browser.conftest import Profile
from tests.running_system import RunningSystem, wait_until

# Two gateways: one is missed once in half a million times.
ASKED_TIMES = 20


def paused_sale(running: RunningSystem, *options: str) -> str:
    """Return the id of a new sale that calls nobody, so that everybody keeps waiting."""
    sale_id = new_sale(running, *options)
    _tell(running, "pause", sale_id)
    # Each process reads of the pause for itself; one that has not yet may still call somebody.
    wait_until("all processes paused", lambda: _all_say_paused(running, sale_id), 30)
    return sale_id


def new_sale(running: RunningSystem, *options: str) -> str:
    """Return the id of a new open sale, which gateways know of within some seconds."""
    sale_id = f"back-{uuid.uuid4().hex[:8]}"
    _tell(running, "create", sale_id, "--name", "Back again", *options)
    return sale_id


def _tell(running: RunningSystem, *words: str) -> None:
    command = (sys.executable, "-m", "onsale", "sale", *words)
    subprocess.run((*command, "--data-dir", str(running.data_dir)), check=True)


def _all_say_paused(running: RunningSystem, sale_id: str) -> bool:
    """Ask often enough that the kernel gave every gateway a connection."""
    return all(_phase(running, sale_id) == "paused" for _ in range(ASKED_TIMES))


def _phase(running: RunningSystem, sale_id: str) -> str:
    try:
        with urlopen(f"{running.base_url}/api/sales/{sale_id}/status") as answer:
            return str(json.load(answer)["phase"])
    except HTTPError:
        return "not known yet"


def joined(profile: Profile, sale: str) -> int:
    """Join in a tab that is closed afterwards; return the place."""
    page = profile.new_page()
    wait_until("the sale is there", lambda: is_there(page, sale), 10)
    page.get_by_role("button", name="Join the waiting room").click()
    place = shown_place(page)
    page.close()
    return place


def is_there(page: Page, sale: str) -> bool:
    """Go to the sale, and say whether the gateway that answered knows of it."""
    answer = page.goto(f"/sales/{sale}")
    return answer is not None and answer.ok


def shown_place(page: Page) -> int:
    """Wait for the fan's place to be shown, and return it."""
    place = page.locator("[data-fill=place]").first
    expect(page.locator("#main[data-stage=waiting]")).to_be_visible()
    expect(place).not_to_be_empty()
    return int("".join(letter for letter in place.inner_text() if letter.isdigit()))
