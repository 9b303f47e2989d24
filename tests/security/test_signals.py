"""Signals are weights in capped families; what looks like a browser is looked at, programs are not."""

from pathlib import Path

import pytest
from manual_clock import ManualClock

from gateway.bot_checks.client_headers import signals_of_headers
from gateway.bot_checks.network_lists import (
    LOOK_EVERY_MS,
    NetworkLists,
    Ranges,
    networks_in,
    path_of,
    write_list,
)
from gateway.bot_checks.signals import (
    HARDER_FROM,
    SIGNALS,
    STEP_UP_FROM,
    against,
    score,
)

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{version}.0.0.0 Safari/537.36"
)
REAL = {
    "User-Agent": CHROME.format(version=141),
    "Accept-Language": "de-DE,de;q=0.9",
    "Sec-Fetch-Mode": "cors",
    "Sec-CH-UA": '"Google Chrome";v="141", "Not?A_Brand";v="8", "Chromium";v="141"',
    "Sec-CH-UA-Mobile": "?0",
    "Sec-CH-UA-Platform": '"Windows"',
}


def test_one_family_alone_never_stops_anybody() -> None:
    for family in ("network", "client", "behaviour"):
        codes = [signal.code for signal in SIGNALS.values() if signal.family == family]
        assert score(codes) < STEP_UP_FROM, family
    assert score(["data-centre"]) >= HARDER_FROM
    assert score(["hidden-field", "data-centre"]) >= STEP_UP_FROM
    assert score(["replayed"]) >= STEP_UP_FROM


def test_a_score_stays_within_its_bounds_and_knows_credit() -> None:
    assert score(SIGNALS) == 0, "whoever was released is released"
    assert score([code for code in SIGNALS if SIGNALS[code].points > 0]) == 100
    assert score(["replayed", "hidden-field", "stepped-up"]) == 0
    assert score(["access-code"]) == 0
    assert score(["a code of an older release"]) == 0
    assert score(["tor", "tor"]) == SIGNALS["tor"].points, "once is as often as often"


def test_what_speaks_against_a_fan_is_told_the_heaviest_first() -> None:
    assert against(["tor", "replayed", "relay", "stepped-up", "unknown"]) == ("replayed", "tor")


@pytest.mark.parametrize(
    ("changes", "signals"),
    [
        ({}, set()),
        ({"Sec-CH-UA-Platform": '"Linux"'}, {"headers-contradict"}),
        ({"Sec-CH-UA": '"Chromium";v="120"'}, {"headers-contradict"}),
        ({"Sec-CH-UA-Mobile": "?1"}, {"headers-contradict"}),
        ({"Accept-Language": ""}, {"no-language"}),
        ({"Sec-CH-UA": '"HeadlessChrome";v="141"'}, {"automated"}),
        ({"User-Agent": CHROME.format(version=141).replace("Chrome/", "HeadlessChrome/")}, {"automated"}),
        # Privacy settings may take hints away; what is not said contradicts nothing.
        ({"Sec-CH-UA": "", "Sec-CH-UA-Platform": "", "Sec-CH-UA-Mobile": ""}, set()),
    ],
)  # fmt: skip
def test_a_browser_that_does_not_fit_itself(changes: dict[str, str], signals: set[str]) -> None:
    assert signals_of_headers({**REAL, **changes}, is_secure=True) == signals


@pytest.mark.parametrize(
    "agent",
    [
        "python-aiohttp/3.14",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/141.0.0.0 Mobile Safari/604.1",
        "Mozilla/5.0 (Linux; Android 9; SM-J330) AppleWebKit/537.36 Chrome/80.0.1 Mobile Safari/537.36",
    ],
)
def test_other_clients_are_not_asked_for_what_they_never_send(agent: str) -> None:
    headers = {"User-Agent": agent, "Accept-Language": "en"}
    assert signals_of_headers(headers, is_secure=True) == set()


def test_a_script_with_a_browsers_name_lacks_what_browsers_send() -> None:
    headers = {"User-Agent": CHROME.format(version=141)}
    assert signals_of_headers(headers, is_secure=True) == {"headers-missing", "no-language"}
    # Browsers send no hints over plain http, so nobody misses them there.
    assert signals_of_headers(headers, is_secure=False) == {"no-language"}


def test_ranges_hold_what_lies_in_them_to_the_last_address() -> None:
    ranges = Ranges(networks_in("10.0.0.0/24\n10.0.1.0/24\n10.0.0.128/25\n2001:db8::/32"))
    assert len(ranges) == 2, "neighbours are one"
    inside = ("10.0.0.0", "10.0.1.255", "2001:db8::1", "::ffff:10.0.0.9")
    outside = ("9.255.255.255", "10.0.2.0", "2001:db9::", "nonsense", "")
    assert [ranges.has(address) for address in inside] == [True] * 4
    assert [ranges.has(address) for address in outside] == [False] * 5
    assert not Ranges().has("10.0.0.1")


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\n192.0.2.0/24 # of ours\n\nnonsense\n198.51.100.7\n",
        "192.0.2.0/24,US,US-CA,Los Angeles,\n198.51.100.7/32,DE,,,\n",
        '{"syncToken": "1", "all": [{"ip_prefix": "192.0.2.0/24"}, [["198.51.100.7/32"]]]}',
    ],
)
def test_lists_are_read_as_they_are_published(text: str) -> None:
    assert sorted(map(str, networks_in(text))) == ["192.0.2.0/24", "198.51.100.7/32"]


def test_a_running_gateway_follows_its_lists(tmp_path: Path, clock: ManualClock) -> None:
    lists = NetworkLists(str(tmp_path / "lists"), clock)
    assert lists.signals_of("192.0.2.9") == set()

    assert write_list(tmp_path / "lists", "tor", networks_in("192.0.2.0/24")) == 1
    assert lists.signals_of("192.0.2.9") == set(), "not at every request"
    clock.at_ms += LOOK_EVERY_MS
    assert lists.signals_of("192.0.2.9") == {"tor"}

    path_of(tmp_path / "lists", "tor").write_text("{ not a list")
    clock.at_ms += LOOK_EVERY_MS
    assert lists.signals_of("192.0.2.9") == {"tor"}, "the old list is better than none"
    path_of(tmp_path / "lists", "tor").unlink()
    clock.at_ms += LOOK_EVERY_MS
    assert lists.signals_of("192.0.2.9") == set()
    assert NetworkLists("", clock).signals_of("192.0.2.9") == set()
