"""`onsale event channel|keep|give-back|kept`, on an event whose plan keeps some seats already."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from onsale.cli import main

SIDE_FILE = {
    "seats": {
        "A-1": {"accessible": True},
        "A-2": {"companion_of": "A-1"},
        "B-4": {"kept_for": "house"},
    }
}


def row(name: str, y: int) -> dict[str, Any]:
    seats = [
        {
            "seat_guid": f"{name}-{n}", "seat_number": str(n), "category": "Gold",
            "position": {"x": 20 * n, "y": 0},
        }
        for n in range(1, 5)
    ]  # fmt: skip
    return {"row_number": name, "position": {"x": 0, "y": y}, "seats": seats}


class Desk:
    """Where an operator types."""

    def __init__(self, database_url: str) -> None:
        self._environ = {"DATABASE_URL": database_url}

    def type(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, env=self._environ)

    def said(self, *arguments: str) -> str:
        result = self.type("event", *arguments)
        assert result.exit_code == 0, result.output
        return result.output


@pytest.fixture(scope="module")
def desk(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk(database_dsn)
    assert desk.type("sale", "create", "kept", "--name", "Kept").exit_code == 0
    folder: Path = tmp_path_factory.mktemp("plan")
    zone = {"name": "Hall", "position": {"x": 0, "y": 0}, "rows": [row("A", 20), row("B", 40)]}
    plan = {
        "name": "Hall", "categories": [{"name": "Gold", "color": "#ffcc00"}],
        "size": {"width": 200, "height": 200}, "zones": [zone],
    }  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "side.json").write_text(json.dumps(SIDE_FILE))
    desk.said(
        "import", str(folder / "plan.json"), "--side-file", str(folder / "side.json"),
        "--event", "kept-hall", "--sale", "kept", "--name", "Hall", "--starts-at", "2030-01-01T20:00+00:00",
        "--price", "Gold=1000", "--orphan-rule",
    )  # fmt: skip
    return desk


def test_seats_are_kept_listed_and_given_back(desk: Desk) -> None:
    assert "house" in desk.said("kept", "kept-hall")
    keep = ("keep", "kept-hall", "--for", "press", "--reason", "critics")
    assert "5 seats" in desk.said(*keep, "--section", "Hall", "--row", "B", "--seat", "A-4")
    listed = desk.said("kept", "kept-hall")
    assert "press" in listed
    assert "house" not in listed, "its only seat is the critics' now"
    assert "1 seats" in desk.said("give-back", "kept-hall", "--seat", "A-4", "--seat", "A-3")
    assert "4 seats" in desk.said("give-back", "kept-hall", "--section", "Hall")


def test_a_key_is_shown_once(desk: Desk) -> None:
    first, second = (desk.said("channel", "kept-hall", "press").split()[-1] for _ in range(2))

    assert len(first) >= 20
    assert first != second


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--row", "B"),
        ("--section", "Attic"),
        ("--seat", "Z-9"),
    ],
)
def test_what_is_no_seat_is_refused(desk: Desk, options: tuple[str, ...]) -> None:
    refused = desk.type(
        "event", "keep", "kept-hall", "--for", "press", "--reason", "critics", *options
    )
    assert refused.exit_code != 0
    assert "Traceback" not in refused.output
