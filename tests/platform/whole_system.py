"""`onsale up` as a person starts it, and one fan who buys there."""

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from loadtest.proof_of_work import solve
from tests.platform.processes import ONSALE, REPOSITORY, processes_of, wait_until
from tests.running_system import free_port

# What is promised for a free machine; tests share theirs, but this has to be kept there, too.
START_SECONDS = 60.0
ANSWER_SECONDS = 10.0
FORGOTTEN = ("REDIS_URL", "DATABASE_URL", "KEYS_FILE", "ONSALE_DATA_DIR")


def ask(
    url: str, body: object = None, credential: str = "", method: str | None = None
) -> tuple[int, bytes]:
    """Return status and body; 0 when nobody answers."""
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    try:
        with urlopen(Request(url, data, headers, method=method), timeout=ANSWER_SECONDS) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()
    except (URLError, ConnectionError, TimeoutError):
        return 0, b""


def clean_environ() -> dict[str, str]:
    """Our environment without addresses of other systems."""
    return {name: value for name, value in os.environ.items() if name not in FORGOTTEN}


@dataclass(frozen=True)
class Up:
    """A started `onsale up`."""

    process: subprocess.Popen[str]
    data_dir: Path
    port: int
    operator_port: int
    log_path: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def told(self) -> str:
        return self.log_path.read_text("utf-8")

    @property
    def run_file(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.data_dir / "run.json").read_text("utf-8"))
        return content

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.told
        return (
            (self.data_dir / "run.json").exists()
            and ask(f"{self.url}/")[0] == 200
            and ask(f"http://127.0.0.1:{self.operator_port}/health/ready")[0] == 200
        )

    def wait(self) -> None:
        wait_until("the system is ready", self.is_ready, START_SECONDS)

    def press_ctrl_c(self) -> int:
        """Send what a terminal sends, to everything that a terminal sends it to."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(START_SECONDS)

    def command(self, *arguments: str) -> str:
        """Run another command on the same data directory; returns what it prints."""
        done = subprocess.run(
            (*ONSALE, *arguments, "--data-dir", str(self.data_dir)),
            cwd=REPOSITORY,
            env=clean_environ(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def up_command(data_dir: Path, *options: str, **ports: int) -> tuple[str, ...]:
    """The command with three ports that are free, but for those that are given."""
    names = ("port", "operator_port", "provider_port")
    chosen = {name: ports.get(name) or free_port() for name in names}
    told = [part for name in names for part in (f"--{name.replace('_', '-')}", str(chosen[name]))]
    return (*ONSALE, "up", "--data-dir", str(data_dir), "--workers", "1", *told, *options)


def refused(*command: str, environ: dict[str, str] | None = None) -> str:
    """Run a command that must fail; returns its one sentence."""
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**clean_environ(), **(environ or {})},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert done.returncode not in (0, -signal.SIGKILL), done.stdout
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.strip()


@contextmanager
def started_up(data_dir: Path, *options: str) -> Iterator[Up]:
    """Start it and wait until it is ready; whatever the test does, nothing is left at the end."""
    command = up_command(data_dir, *options)
    port = int(command[command.index("--port") + 1])
    operator_port = int(command[command.index("--operator-port") + 1])
    log_path = data_dir.with_name(f"{data_dir.name}-{port}.log")
    with (
        log_path.open("w") as log,
        subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=clean_environ(),
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            # As a shell does with each command: Ctrl-C reaches this group.
            process_group=0,
        ) as process,
    ):
        system = Up(process, data_dir, port, operator_port, log_path)
        try:
            system.wait()
            yield system
        finally:
            if process.poll() is None:
                process.kill()
    wait_until("all of its processes ended", lambda: not processes_of(data_dir))


class FanInLine:
    """A fan without a device key who joins the demo's line."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._sale = f"{url}/api/sales/demo"
        status, challenge = ask(f"{self._sale}/challenge")
        assert status == 200, challenge
        status, joined = ask(f"{self._sale}/join", {"altcha": solve(json.loads(challenge))})
        assert status == 201, joined
        self.ticket: str = json.loads(joined)["ticket"]
        self.place: int = json.loads(joined)["place"]
        self._admission = ""

    def is_inside(self) -> bool:
        """Ask to be let in; say whether that was so. No answer, or one of trouble, is a no."""
        status, admitted = ask(f"{self._sale}/admit", {"ticket": self.ticket})
        assert status in (0, 201, 425, 503), admitted
        if status == 201:
            self._admission = json.loads(admitted)["pass"]
        return status == 201


class Buyer(FanInLine):
    """One who has been let in, and buys prints."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        wait_until("the fan is let in", self.is_inside)

    def buy(self) -> str:
        """Buy one print; returns the booking's id."""
        wanted = {"event_id": "demo-drop", "stock": {"tier": "classic", "quantity": 1}}
        status, held = ask(f"{self._url}/api/bookings/reserve", wanted, self._admission)
        assert status == 201, held
        order = {
            "reservation_id": json.loads(held)["reservation_id"],
            "payment_method": "card_ok",
            "idempotency_key": uuid.uuid4().hex,
        }
        status, booked = ask(f"{self._url}/api/bookings/complete", order, self._admission)
        # On a busy machine the outcome may not be known at once; it is soon.
        assert status in (201, 202), booked
        booking_id = str(json.loads(booked)["booking_id"])
        wait_until("the booking is confirmed", lambda: self._is_confirmed(booking_id))
        return booking_id

    def _is_confirmed(self, booking_id: str) -> bool:
        return read_booking(self._url, booking_id, self.ticket)["status"] == "confirmed"


def read_booking(url: str, booking_id: str, ticket: str) -> dict[str, Any]:
    """Return an order as its owner sees it."""
    status, booking = ask(f"{url}/api/bookings/{booking_id}", credential=ticket)
    assert status == 200, booking
    content: dict[str, Any] = json.loads(booking)
    return content
