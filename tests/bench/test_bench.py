"""The bench itself: small sizes of every path, and the shapes of what it writes."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from bench.crowd import CROWD_BEGIN, CROWD_END
from bench.crowd import measure as measure_crowd
from bench.http_client import Tally, body_length
from bench.report import BEGIN, END, read_results, update_readme
from bench.rounds import Contender, ratio, ratio_by_clock
from bench.selling_out import Asked, Story

REPOSITORY = Path(__file__).parents[2]
PATHS = [
    "poll", "snapshot", "join", "bot_checks", "reserve", "reserve_vs_row_lock", "best_available",
    "hold_script", "event_memory", "sell_out", "claim_commit", "sold_commit", "complete",
    "reconcile_lag", "recovery", "door",
    "stream_memory", "search", "draw", "pacing", "told_waits",
]  # fmt: skip
# A start of ten processes and a tenth of a second for each path: twenty seconds, and on a machine with
# eight times as much to do as it can, two minutes.
BENCH_SECONDS_MAX = 240

pytestmark = pytest.mark.timeout(BENCH_SECONDS_MAX + 30)


# A busy machine may take some boards longer.
CROWD_NEWS_SECONDS_MAX = 6.0


@pytest.fixture(scope="module")
async def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the smallest bench writes."""
    folder = tmp_path_factory.mktemp("bench")
    path, said = folder / "results.json", folder / "said.txt"
    with said.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench", "--tiny", "--results", str(path)),
            cwd=REPOSITORY,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        async with asyncio.timeout(BENCH_SECONDS_MAX):
            await process.wait()
    except TimeoutError:
        # How far it came is all that tells why.
        pytest.fail(f"the bench takes too long:\n{said.read_text()}")
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode == 0, said.read_text()
    return path


def test_every_budget_has_a_row(results: Path) -> None:
    document = json.loads(results.read_text())
    assert list(document) == ["rows"]
    assert [row["path"] for row in document["rows"]] == PATHS


def test_every_row_says_how_it_is_judged(results: Path) -> None:
    for row in read_results(results):
        for name in ("ours", "floor", "ratio", "budget"):
            assert row[name] >= 0, row
        judged = {
            "ratio >= budget": row["ratio"] >= row["budget"],
            "ours <= budget": row["ours"] <= row["budget"],
            "|ours - floor| <= budget": abs(row["ours"] - row["floor"]) <= row["budget"],
        }
        # The snapshot has a second condition: its bytes on the wire.
        assert row["met"] <= judged[row["judged_by"]], row
        assert row["unit"]
        assert row["note"]


def test_the_readme_keeps_its_prose_and_gets_the_figures(results: Path, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    update_readme(read_results(results), "2026-11-24", readme)
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "\nold\n" not in text
    assert "Measured on 2026-11-24" in text
    assert all(f"| {path} |" in text for path in PATHS)
    update_readme(read_results(results), "2026-11-24", readme)
    assert readme.read_text() == text


def test_the_readme_of_the_repository_has_its_marks() -> None:
    text = (REPOSITORY / "bench" / "README.md").read_text("utf-8")
    assert 0 < text.index(BEGIN) < text.index(END)
    assert text.index(END) < text.index(CROWD_BEGIN) < text.index(CROWD_END)


async def test_a_small_crowd_joins_stays_and_hears_the_news() -> None:
    figures = await measure_crowd(60, 1, Console(quiet=True))

    assert (figures.fans, figures.lost) == (60, 0)
    assert 0 <= figures.spread[0] <= figures.spread[1] <= figures.spread[2]
    # The news is in the first board that is made after sales were read: a second or two.
    assert 0 < figures.news[2] < CROWD_NEWS_SECONDS_MAX
    assert figures.joins_per_second > 0
    assert figures.redis_with > 0
    assert len(figures.lines()) == 11


def test_percentiles_are_of_what_was_measured() -> None:
    tally = Tally(seconds=2.0, statuses={200: 100}, latencies=[n / 1000 for n in range(100)])
    assert tally.per_second == 50
    assert tally.percentile_ms(50) == pytest.approx(50)
    assert tally.percentile_ms(99) == pytest.approx(99)
    assert Tally().percentile_ms(99) == 0


def test_a_ratio_is_the_median_of_the_cycles() -> None:
    floor = Contender("floor", 1, 1, iter(()), per_second=[100, 10, 100], cpu_us=[10, 90, 10])
    ours = Contender("ours", 1, 1, iter(()), per_second=[50, 5, 90], cpu_us=[20, 180, 40])
    # The neighbours' busy cycle met both alike, and does not count more than another.
    assert ratio_by_clock(ours, floor) == pytest.approx(0.5)
    assert ratio(ours, floor) == pytest.approx(0.5)


def test_who_was_passed_over_is_counted() -> None:
    early = Asked(quantity=2, began=1.0, ended=2.0, seats=())
    beside = Asked(quantity=2, began=1.5, ended=2.5, seats=("A-1", "A-2"))
    assert Story([early, beside]).passed_over() == 0, "both asked at the same time"
    smaller = Asked(quantity=1, began=3.0, ended=3.5, seats=("A-3",))
    assert Story([early, beside, smaller]).passed_over() == 0, "there was one left, and not two"
    later = Asked(quantity=3, began=4.0, ended=4.5, seats=("B-1", "B-2", "B-3"))
    assert Story([early, beside, smaller, later]).passed_over() == 1


def test_an_unexpected_answer_breaks_the_bench() -> None:
    contender = Contender("poll", 1, 1, iter(()))
    with pytest.raises(AssertionError, match="poll answered"):
        contender.take(Tally(seconds=1.0, statuses={200: 9, 503: 1}), 0.1, 0.0)


def test_the_length_of_an_answer_is_read_from_its_head() -> None:
    assert body_length(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nDate: x") == 12
    assert body_length(b"HTTP/1.1 200 OK\r\nContent-Length: 12") == 12
    assert body_length(b"HTTP/1.1 204 No Content\r\nDate: x") == 0
