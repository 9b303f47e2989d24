"""One scrape answers for all processes, under names Prometheus agrees with."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from groundwork.clock import SystemClock
from groundwork.metrics import (
    forget_process,
    metrics_body,
    prepare_multiprocess_dir,
    process_metrics,
)
from tests.operators.promql import REPOSITORY
from tests.operators.test_promtool import promtool

# A process that counts something, writes each kind of gauge, and stays until its input ends.
COUNTING = """
import sys
from booking_core import metrics as shop
from gateway import metrics as front
from groundwork import metrics
which = int(sys.argv[1])
front.expect_sale("demo")
shop.expect_event("arena")
shop.HOLDS.labels("arena", "held").inc(which)
metrics.REDIS_SECONDS.observe(0.004)
front.BOARD_STREAMS.labels("demo").set(10 * which)
front.BOARD_AGE_SECONDS.labels("demo").set(which)
metrics.PROCESS_UP.labels("gateway").set(1)
if which == 2:
    front.FANS_WAITING.labels("demo").set(77)
print("ready", flush=True)
sys.stdin.read()
"""
# Touches every label set once, so that every metric is in the text.
EVERYTHING = """
import sys
from booking_core import metrics as shop
from gateway import metrics as front
from groundwork import metrics
from prometheus_client.metrics import MetricWrapperBase
for module in (shop, front, metrics):
    for metric in vars(module).values():
        if isinstance(metric, MetricWrapperBase) and metric._labelnames:
            metric.labels(*["x"] * len(metric._labelnames))
sys.stdout.buffer.write(metrics.metrics_body()[0])
"""


def counting_process(which: int, environment: dict[str, str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", COUNTING, str(which)],
        env={**os.environ, **environment},
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def stop(process: subprocess.Popen[str]) -> None:
    with process:
        assert process.stdin
        process.stdin.close()
        process.wait(10)


def samples() -> dict[str, float]:
    body, content_type = metrics_body()
    assert content_type.startswith("text/plain")
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_several_processes_answer_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "metrics"
    environment = prepare_multiprocess_dir(folder)
    monkeypatch.setenv(*environment.popitem())
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    first, second = counting_process(1, environment), counting_process(2, environment)
    try:
        seen = samples()
        held = "onsale_holds_total[('event', 'arena'), ('outcome', 'held')]"
        streams = "onsale_board_streams[('sale', 'demo')]"
        age = "onsale_board_age_seconds[('sale', 'demo')]"
        up = "onsale_process_up[('role', 'gateway')]"
        waiting = "onsale_fans_waiting[('sale', 'demo')]"
        assert seen[held] == 3
        assert seen["onsale_holds_total[('event', 'arena'), ('outcome', 'taken')]"] == 0
        assert seen["onsale_redis_seconds_count[]"] == 2
        assert (seen[streams], seen[age], seen[up], seen[waiting]) == (30, 2, 2, 77)

        stop(second)
        forget_process(second.pid, folder)
        after = samples()
        # The dead process is out of what counts the living; what it did and knew stays.
        assert (after[held], after[waiting]) == (3, 77)
        assert (after[streams], after[age], after[up]) == (10, 1, 1)
    finally:
        for process in (first, second):
            if process.poll() is None:
                stop(process)


def test_gauges_that_one_worker_writes_are_not_zero_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = prepare_multiprocess_dir(tmp_path / "metrics")
    monkeypatch.setenv(*next(iter(environment.items())))
    process = counting_process(1, environment)
    try:
        assert not any(name.startswith("onsale_outbox_open") for name in samples())
    finally:
        stop(process)


def test_a_new_start_forgets_the_run_before(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    prepare_multiprocess_dir(folder)
    (folder / "counter_1.db").write_bytes(b"old")
    prepare_multiprocess_dir(folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("is_multiprocess", [False, True])
def test_promtool_agrees_with_the_names(tmp_path: Path, is_multiprocess: bool) -> None:
    shared = prepare_multiprocess_dir(tmp_path / "metrics") if is_multiprocess else {}
    text = subprocess.run(
        [sys.executable, "-c", EVERYTHING],
        env={**os.environ, **shared},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "onsale_holds_total" in text
    assert "_created" not in text
    checked = promtool("check", "metrics", text=text)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_promtool_would_object() -> None:
    text = "# TYPE onsale_things counter\nonsale_things 1\n"
    assert promtool("check", "metrics", text=text).returncode != 0


class LateClock(SystemClock):
    """Wakes whoever sleeps 120 ms too late, once; then never again."""

    def __init__(self) -> None:
        self.at_ms = 0.0
        self.slept_twice = asyncio.Event()

    def monotonic_ms(self) -> float:
        return self.at_ms

    async def sleep_ms(self, duration_ms: float) -> None:
        if self.at_ms:
            self.slept_twice.set()
            await asyncio.get_running_loop().create_future()
        self.at_ms += duration_ms + 120


async def test_a_process_counts_itself_and_watches_its_loop() -> None:
    lag = "onsale_event_loop_lag_seconds_sum"
    before = REGISTRY.get_sample_value(lag) or 0.0
    clock = LateClock()
    async with process_metrics("tester", clock):
        assert REGISTRY.get_sample_value("onsale_process_up", {"role": "tester"}) == 1
        await clock.slept_twice.wait()
    assert REGISTRY.get_sample_value(lag) == pytest.approx(before + 0.12)
    assert REGISTRY.get_sample_value("onsale_process_up", {"role": "tester"}) == 0
