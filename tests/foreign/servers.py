"""A web shop that nobody here wrote, in an environment of its own, run as two servers."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running_system import free_port

OSCAR = Path(__file__).with_name("oscar")
CACHE = Path(__file__).parents[2] / ".cache"
# A shop, a server for it, and a server that answers in every way there is.
PACKAGES = ("django-oscar[sorl-thumbnail]==4.2.1", "gunicorn==27.0.1", "httpbin==0.10.4")


@pytest.fixture(scope="session")
def foreign_bin() -> Path:
    """The programs of the foreign packages: made once, kept beside the other caches."""
    name = hashlib.sha256(repr((PACKAGES, sys.version)).encode()).hexdigest()[:12]
    folder = CACHE / f"foreign-{name}"
    if not (folder / "made").exists():
        subprocess.run((sys.executable, "-m", "venv", "--clear", folder), check=True)
        pip = (folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check")
        subprocess.run((*pip, *PACKAGES), check=True)
        (folder / "made").touch()
    return folder / "bin"


class Server:
    """One gunicorn, which can be killed and started again."""

    def __init__(self, name: str, command: tuple[object, ...], environment: dict[str, str]) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = (*command, "--bind", f"127.0.0.1:{self.port}", "--no-control-socket")
        self._environment = {**os.environ, **environment, "INSTANCE": name}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [str(part) for part in self._command],
            env=self._environment,
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )

    def hang(self) -> None:
        """Stop its processes as they are: connections stay open and nothing is answered."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let them go on."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kill the master and its workers with -9, at the same moment."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@pytest.fixture(scope="session")
def filled_shop(foreign_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a shop whose database has posters in it."""
    folder = tmp_path_factory.mktemp("oscar")
    environment = {
        "SHOP_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "shop_settings",
        "PYTHONPATH": str(OSCAR),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for command in (("-m", "django", "migrate", "-v", "0"), (OSCAR / "fill.py",)):
        run = subprocess.run(
            (foreign_bin / "python", *command),
            env={**os.environ, **environment},
            check=False,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
    return environment


@pytest.fixture(scope="module")
def oscars(foreign_bin: Path, filled_shop: dict[str, str]) -> Iterator[list[Server]]:
    """Two servers of the shop on one database."""
    gunicorn = (foreign_bin / "gunicorn", "--threads", "8", "shop_wsgi:app")
    servers = [Server(name, gunicorn, filled_shop) for name in ("one", "two")]
    try:
        for server in servers:
            server.start()
        yield servers
    finally:
        for server in servers:
            server.kill()


@pytest.fixture(scope="module")
def httpbin(foreign_bin: Path) -> Iterator[Server]:
    """A server that answers in every way there is."""
    server = Server("httpbin", (foreign_bin / "gunicorn", "--threads", "8", "httpbin:app"), {})
    try:
        server.start()
        yield server
    finally:
        server.kill()
