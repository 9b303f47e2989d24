"""What docs/your_own_shop.md says, tried: its policy, and how a shop checks who is asking."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.edge.shop_policy import read_policy
from groundwork.identity import Identity, IdentitySigner
from groundwork.keys import KeyRing
from onsale.cli import main
from tests.security.manual_clock import ManualClock

DOCS = Path(__file__).parents[2] / "docs" / "your_own_shop.md"
POLICY = Path(__file__).parents[1] / "foreign" / "oscar" / "policy.toml"
FAN = Identity(kind="pass", fan_id="fan-1", sale_id="posters", visit_id="visit-1")
NOW_MS = 1_800_000_000_000


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert isinstance(found, str)
    return found


def test_the_policy_is_the_one_the_foreign_shop_is_tested_with() -> None:
    assert block("toml") == POLICY.read_text("utf-8")
    assert read_policy(block("toml")).demand("GET", "/basket/").sale_id == "posters"


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    KeyRing.generate(tmp_path / "keys.json")
    return tmp_path / "keys.json"


@pytest.fixture
def who_asks(keys_file: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """The function of the page, with the key as the command prints it."""
    printed = CliRunner().invoke(main, ["keys", "shop", str(keys_file)])
    assert printed.exit_code == 0
    monkeypatch.setenv("ONSALE_SHOP_KEY", printed.output.strip())
    names: dict[str, Any] = {}
    exec(block("python"), names)
    monkeypatch.setattr(names["time"], "time", lambda: NOW_MS / 1000)
    return names["who_asks"]  # type: ignore[no-any-return]


def signed(keys_file: Path, at_ms: int = NOW_MS) -> str:
    clock = ManualClock()
    clock.at_ms = at_ms
    return IdentitySigner(KeyRing.load(keys_file), clock).sign(FAN)


def test_a_shop_knows_who_asks(keys_file: Path, who_asks: Callable[[str], Any]) -> None:
    assert who_asks(signed(keys_file)) == {
        "kind": "pass",
        "fan_id": "fan-1",
        "sale_id": "posters",
        "visit_id": "visit-1",
    }


def test_a_shop_believes_nobody_else(
    keys_file: Path, who_asks: Callable[[str], Any], tmp_path: Path
) -> None:
    good = signed(keys_file)
    KeyRing.generate(tmp_path / "other.json")
    for bad in (
        signed(tmp_path / "other.json"),
        signed(keys_file, NOW_MS - 61_000),
        good[:-5] + "AAAA=",
        good.replace("v1.", "v2."),
        "v1.",
        "",
        "é",
    ):
        assert who_asks(bad) is None, bad
