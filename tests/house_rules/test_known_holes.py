"""A published hole in what we install fails the lint; where nobody can be asked, that is said."""

import json
from pathlib import Path

import pytest

from tests.house_rules.known_holes import audit, verdict

FINE = {"name": "aiohttp", "version": "3.14.5", "vulns": []}
HOLED = {
    "name": "aiohttp",
    "version": "3.9.1",
    "vulns": [{"id": "GHSA-5h86-8mv2-jq9f", "fix_versions": ["3.9.2"], "aliases": []}],
}
SKIPPED = {"name": "onsale", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([FINE, FINE], 0, "none in 2 packages, 0 not checked"),
        ([FINE, SKIPPED], 0, "none in 1 packages, 1 not checked"),
        ([SKIPPED, SKIPPED], 0, "NOT CHECKED"),
        ([FINE, HOLED, SKIPPED], 1, "aiohttp 3.9.1: GHSA-5h86-8mv2-jq9f, mended in 3.9.2"),
    ],
)
def test_what_the_tool_found_is_said(packages: list[object], code: int, said: str) -> None:
    found = verdict(int(code > 0), json.dumps({"dependencies": packages, "fixes": []}), "")
    assert found[0] == code
    assert said in found[1]


def test_a_tool_that_breaks_is_no_clean_answer() -> None:
    code, said = verdict(2, "", "Traceback …\nKeyError: 'x'\n")
    assert code == 1
    assert "KeyError" in said


def test_without_a_way_to_the_service_nothing_fails_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = tmp_path / "constraints.txt"
    pins.write_text("aiohttp==3.14.5\n")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("no_proxy", "")
    code, said = audit(pins)
    assert (code, "NOT CHECKED" in said) == (0, True), said


def test_pins_that_cannot_be_read_fail(tmp_path: Path) -> None:
    pins = tmp_path / "constraints.txt"
    pins.write_text("aiohttp>=3\n")
    assert audit(pins)[0] == 1
