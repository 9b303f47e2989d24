"""`onsale simulate`: what it tells, what it draws, and what it refuses."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from onsale.cli import main

PNG = b"\x89PNG"


def simulated(*options: str) -> Result:
    return CliRunner().invoke(main, ["simulate", "--fans", "1500", *options])


def test_it_tells_when_the_sale_would_be_over_and_how_long_fans_would_wait(tmp_path: Path) -> None:
    picture = tmp_path / "waits.png"
    result = simulated("--rate", "600", "--outage", "30s+30s", "--plot", str(picture))

    assert result.exit_code == 0, result.output
    for word in (
        "everybody was called",
        "1,500 were called",
        "Delivered",
        "Told waits",
        "the rate",
    ):
        assert word in result.output
    assert picture.read_bytes().startswith(PNG)
    first, second = (simulated("--no-plot", "--rate", "600", "--seed", seed) for seed in "12")
    assert first.output != second.output


def test_the_waits_are_drawn_without_being_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert "waits.png" in simulated().output
    assert (tmp_path / "waits.png").read_bytes().startswith(PNG)


def test_without_what_draws_it_tells_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onsale.waits_plot", None)
    monkeypatch.chdir(tmp_path)

    plain, asked_for = simulated(), simulated("--plot", "waits.png")
    assert (plain.exit_code, asked_for.exit_code) == (0, 1)
    assert "Not drawn" in plain.output
    assert "onsale[simulate]" in asked_for.output
    assert not list(tmp_path.iterdir())


def test_a_sale_sells_out() -> None:
    result = simulated("--no-plot", "--seats", "200", "--capacity", "100")

    assert "sold out" in result.output
    assert "200 of 200 taken" in result.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--outage", "10m"), "does not say how long"),
        (("--outage", "soon+2m"), "is not a length"),
        (("--rate-change", "10m=fast"), "does not say a rate"),
        (("--rate-change", "10m=0"), "must not be a pause"),
        (("--no-show", "1.0"), "not in the range"),
    ],
)
def test_what_makes_no_sale_is_refused(options: tuple[str, ...], words: str) -> None:
    result = simulated(*options)

    assert result.exit_code == 2
    assert words in result.output.replace("\n", " ")
