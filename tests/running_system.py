"""One whole system for all tests that need one: `onsale up --demo`, Prometheus beside it, fans."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from loadtest.evidence import ask

REPOSITORY = Path(__file__).parents[1]
UP = (sys.executable, "-m", "onsale", "up")
# Empty database, migrations, demo seats: seconds; a busy machine may take several times as long.
START_SECONDS_MAX = 90.0
STOP_SECONDS_MAX = 30.0
LOOK_AGAIN_SECONDS = 0.1
# Few fans: the generator solves their proofs of work on the same cores.
FANS = 8
LOAD_SECONDS = 20
# The verdict may wait half a minute for a store that heals, and as long for money.
VERDICT_SECONDS_MAX = 100.0
COUNT_SECONDS_MAX = 5.0


@dataclass(frozen=True)
class RunningSystem:
    """Where to reach the system, and its processes by name, as they are at this moment."""

    base_url: str
    operator_url: str
    provider_url: str
    provider_key: str
    data_dir: Path
    process: subprocess.Popen[bytes]

    @property
    def pids(self) -> dict[str, int]:
        """The process ids by name; they change when something is started again."""
        pids: dict[str, int] = self._run_file()["pids"]
        return pids

    def _run_file(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.data_dir / "run.json").read_text())
        return content

    def logs(self) -> str:
        """The end of every log, for the message of a failing test."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text('utf-8', 'replace')[-3000:]}"
            for path in sorted(self.data_dir.glob("logs/*"))
        )


@dataclass(frozen=True)
class Rehearsed:
    """A load test that ended: its exit code, what it printed, and its verdict."""

    exit_code: int
    output: str
    verdict: dict[str, Any]
    # Seconds since 1970, for asking Prometheus.
    began_at: float = 0.0
    ended_at: float = 0.0
    # What the shop's own counter rose by meanwhile.
    sold: float = 0.0


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(what: str, is_so: Callable[[], object], seconds: float) -> None:
    """Look again and again; fails with `what` when the time is over."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"after {seconds:g} s still not: {what}"
        time.sleep(LOOK_AGAIN_SECONDS)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, and make it end."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def running() -> Iterator[RunningSystem]:
    """`onsale up --demo` on free ports and an empty data directory, ready to sell."""
    # A short path that other users may pass: PostgreSQL refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="onsale-up-"))
    folder.chmod(0o755)
    data_dir = folder / "data"
    port, operator_port, provider_port = free_port(), free_port(), free_port()
    command = [
        *(*UP, "--demo", "--data-dir", str(data_dir)),
        *("--port", str(port), "--operator-port", str(operator_port)),
        *("--provider-port", str(provider_port)),
    ]
    log_path = folder / "up.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield _ready(process, data_dir)
    except AssertionError as failure:
        logs = sorted(data_dir.glob("logs/*"))
        texts = [f"--- {path}\n{path.read_text('utf-8', 'replace')}" for path in (log_path, *logs)]
        raise AssertionError(f"{failure}\n" + "\n".join(texts)) from failure
    finally:
        stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _ready(process: subprocess.Popen[bytes], data_dir: Path) -> RunningSystem:
    run_file = data_dir / "run.json"

    def is_up() -> bool:
        assert process.poll() is None, "onsale up ended"
        return run_file.exists()

    wait_until("run.json was written", is_up, START_SECONDS_MAX)
    told = json.loads(run_file.read_text())
    system = RunningSystem(
        base_url=told["gateway_url"].rstrip("/"),
        operator_url=told["operator_url"].rstrip("/"),
        provider_url=told["provider_url"].rstrip("/"),
        provider_key=told["provider_key"],
        data_dir=data_dir,
        process=process,
    )

    def is_ready() -> bool:
        assert process.poll() is None, "onsale up ended"
        return (
            ask(f"{system.operator_url}/health/ready")[0] == 200
            and ask(f"{system.base_url}/api/sales/demo/status")[0] == 200
        )

    wait_until("the system is ready", is_ready, START_SECONDS_MAX)
    return system


@pytest.fixture(scope="session")
def prometheus(running: RunningSystem) -> Iterator[str]:
    """The address of a Prometheus that watches the system."""
    with prometheus_at(running.operator_url) as url:
        yield url


@contextmanager
def prometheus_at(operator_url: str) -> Iterator[str]:
    """Yield the address of a real Prometheus that scrapes there every second and has our rules."""
    binary = shutil.which("prometheus")
    assert binary, "prometheus is missing: apt install prometheus"
    folder = Path(tempfile.mkdtemp(prefix="onsale-prometheus-"))
    port = free_port()
    target = operator_url.removeprefix("http://")
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(REPOSITORY / "dashboards" / "rules" / "onsale.yml")],
        "scrape_configs": [
            {"job_name": "onsale-all", "static_configs": [{"targets": [target]}]},
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(configuration))  # JSON is YAML
    command = [
        binary,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until("Prometheus is ready", lambda: ask(f"{url}/-/ready")[0] == 200, 30)
        yield url
    finally:
        stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def read_metric(system: RunningSystem, name: str, **labels: str) -> float:
    """The sum of a metric's series that have the labels; 0 when there is none."""
    text = str(ask(f"{system.operator_url}/metrics")[1])
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


@contextmanager
def fans_at(
    system: RunningSystem, verdict_path: Path, *, seconds: int = LOAD_SECONDS
) -> Iterator[subprocess.Popen[bytes]]:
    """Fans against the system while the block runs; `see_off` waits for their end."""
    command = [
        *(sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--headless"),
        *("-u", str(FANS), "-r", str(FANS), "-t", f"{seconds}s", "--think", "0.2"),
        *("--host", system.base_url, "--run-file", str(system.data_dir / "run.json")),
        *("--verdict-file", str(verdict_path)),
    ]
    with verdict_path.with_suffix(".log").open("wb") as log:
        load = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield load
    finally:
        stop(load)


def see_off(load: subprocess.Popen[bytes], verdict_path: Path, *, seconds: int) -> Rehearsed:
    """Wait until the fans have left and the verdict is there."""
    exit_code = load.wait(seconds + VERDICT_SECONDS_MAX)
    output = verdict_path.with_suffix(".log").read_text("utf-8", "replace")
    assert verdict_path.exists(), f"no verdict was written:\n{output}"
    return Rehearsed(exit_code, output, json.loads(verdict_path.read_text()))


@pytest.fixture(scope="session")
def rehearsed(
    running: RunningSystem, prometheus: str, tmp_path_factory: pytest.TempPathFactory
) -> Rehearsed:
    """A short load test that Prometheus watched."""
    assert prometheus
    verdict_path = tmp_path_factory.mktemp("load") / "verdict.json"
    sold_before = read_metric(running, "onsale_seats_sold_total")
    began_at = time.time()
    # One more fan watches the board as a page does; without one nobody would stream.
    page = urlopen(f"{running.base_url}/api/sales/demo/events", timeout=LOAD_SECONDS)
    with page, fans_at(running, verdict_path) as load:
        ended = see_off(load, verdict_path, seconds=LOAD_SECONDS)
    facts = ended.verdict["facts"]
    told = facts["confirmed seats"] + facts["confirmed pieces of stock"]

    def sold() -> float:
        return read_metric(running, "onsale_seats_sold_total") - sold_before

    # The outbox may still be telling; a counter that never gets there is the tests' business.
    with suppress(AssertionError):
        wait_until("everything sold is counted", lambda: sold() >= told, COUNT_SECONDS_MAX)
    return replace(ended, began_at=began_at, ended_at=time.time(), sold=sold())
