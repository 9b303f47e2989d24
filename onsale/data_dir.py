"""The folder of one installation on one machine: who may use it, and what lies where in it."""

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from groundwork.clock import Clock
from onsale.cannot_start import CannotStart
from onsale.embedded.binaries import OPEN_FOLDER, is_open_to_others

# Raised when the folder's layout changes so that an older version would misread it.
LAYOUT_VERSION = 1
# The kernel cuts socket addresses at 107 bytes; a few are left for the names the servers add.
SOCKET_PATH_MAX = 100
LONGEST_SOCKET = "postgres/.s.PGSQL.5432"
RUN_PREFIX = "onsale-"
# A killed run's servers write their data down before they end; then the folder is free.
LEFTOVERS_WITHIN_MS = 30_000
LOCK_EVERY_MS = 50


class _VersionFile(msgspec.Struct, frozen=True):
    version: int
    # Names this folder's parts that had to be put elsewhere.
    id: str


class RunFile(msgspec.Struct, frozen=True):
    """What is running, for other commands that name the same folder."""

    pid: int
    redis_url: str
    database_url: str
    keys_file: str
    gateway_url: str
    operator_url: str
    provider_url: str
    # Opens the practice provider's books, for the verdict of a load test.
    provider_key: str
    pids: dict[str, int]
    # Where the first operator's name and password are; "" once nobody was made at this start.
    login_file: str = ""
    # Where mails are files, when no server sends them.
    mail_folder: str = ""


@dataclass(frozen=True)
class DataDir:
    """An opened folder; ours alone until every process that holds `lock` has ended."""

    path: Path
    id: str
    lock: int
    # Sockets and metrics: short, and empty at each start.
    run: Path

    @property
    def keys_file(self) -> Path:
        """The installation's secrets."""
        return self.path / "keys.json"

    @property
    def login_file(self) -> Path:
        """The name and password that the first start makes for an operator."""
        return self.path / "operator-login"

    @property
    def logs(self) -> Path:
        """One file for each process."""
        return self.path / "logs"

    def postgres_dir(self, *, for_another_user: bool) -> Path:
        """Return where PostgreSQL keeps its data.

        Another user cannot reach a folder inside a closed one; then it lies elsewhere, and a link
        says where.
        """
        inside = self.path / "postgres"
        if inside.exists() or not for_another_user or is_open_to_others(self.path):
            return inside.resolve()
        elsewhere = OPEN_FOLDER / self.id / "postgres"
        elsewhere.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        elsewhere.parent.parent.chmod(0o755)
        if not inside.is_symlink():
            inside.symlink_to(elsewhere)
        return elsewhere

    def write_running(self, running: RunFile) -> None:
        """Say what is running; nobody else can read it, it has the addresses of the stores."""
        _write(self.path / "run.json", msgspec.json.encode(running))


@contextlib.asynccontextmanager
async def opened_data_dir(path: Path, clock: Clock) -> AsyncIterator[DataDir]:
    """Yield the folder, made if need be. Raises CannotStart when it cannot be ours."""
    try:
        path = _make(path)
        lock = await _lock(path, clock)
    except OSError as error:
        raise CannotStart(f"{path} cannot be used as data directory: {error.strerror}.") from error
    try:
        version = _read_version(path)
        run = _make_run_dir(path)
        try:
            yield DataDir(path=path, id=version.id, lock=lock, run=run)
        finally:
            (path / "run.json").unlink(missing_ok=True)
            _remove_run_dir(path)
    finally:
        os.close(lock)


def read_running(path: Path) -> RunFile | None:
    """Return what is running on the folder, or None."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        descriptor = os.open(path / "lock", os.O_RDONLY)
        try:
            # Whoever runs holds it; the file of a killed run is worth nothing.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return msgspec.json.decode((path / "run.json").read_bytes(), type=RunFile)
        finally:
            os.close(descriptor)
    return None


def _make(path: Path) -> Path:
    """Make the folder and return its full path. Raises CannotStart for somebody else's folder."""
    path = path.absolute()
    # Of root: others may pass through, PostgreSQL runs as one of them, but not look around.
    path.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    # What a start that was cut off at once may have left behind is ours.
    first_names = ("lock", ".version.json.")
    is_ours = (path / "version.json").exists() or all(
        entry.name.startswith(first_names) for entry in path.iterdir()
    )
    if not is_ours:
        raise CannotStart(
            f"{path} is not empty and not a data directory of onsale: choose another --data-dir."
        )
    return path


async def _lock(path: Path, clock: Clock) -> int:
    """Return the descriptor of the held lock; it names its holder, and outlives it in children."""
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    give_up_at = clock.monotonic_ms() + LEFTOVERS_WITHIN_MS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            return descriptor
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace")
            if _is_alive(holder):
                os.close(descriptor)
                raise CannotStart(
                    f"Another onsale up (process {holder}) is running on {path}:"
                    " stop it or choose another --data-dir."
                ) from error
            if clock.monotonic_ms() > give_up_at:
                os.close(descriptor)
                raise CannotStart(
                    f"Processes of an earlier onsale up still use {path}: end them first."
                ) from error
        await clock.sleep_ms(LOCK_EVERY_MS)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        # Without a name, it has only just got the lock, or is looking: the next try knows more.
        return False
    except PermissionError:
        return True
    return True


def _read_version(path: Path) -> _VersionFile:
    file = path / "version.json"
    if not file.exists():
        version = _VersionFile(LAYOUT_VERSION, secrets.token_hex(8))
        _write(file, msgspec.json.encode(version))
        return version
    try:
        version = msgspec.json.decode(file.read_bytes(), type=_VersionFile)
    except (OSError, msgspec.MsgspecError) as error:
        raise CannotStart(f"{file} cannot be read: {error}.") from error
    if version.version > LAYOUT_VERSION:
        raise CannotStart(
            f"{path} was written by a newer onsale (layout {version.version}, this one knows"
            f" {LAYOUT_VERSION}): install that one or choose another --data-dir."
        )
    return version


def _write(file: Path, content: bytes) -> None:
    written = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    written.replace(file)


def _make_run_dir(path: Path) -> Path:
    """Return an empty folder for sockets: inside, unless the path is too long or closed."""
    _remove_run_dir(path)
    run = path / "run"
    is_root = os.geteuid() == 0
    mode = 0o711 if is_root else 0o700
    is_short = len(os.fsencode(run / LONGEST_SOCKET)) < SOCKET_PATH_MAX
    if is_short and (not is_root or is_open_to_others(path)):
        run.mkdir(mode=mode)
        return run
    elsewhere = Path(tempfile.mkdtemp(prefix=RUN_PREFIX))
    elsewhere.chmod(mode)
    # The link is how the next start finds it, should this one not get to remove it.
    run.symlink_to(elsewhere)
    return elsewhere


def _remove_run_dir(path: Path) -> None:
    run = path / "run"
    if run.is_symlink():
        elsewhere = run.readlink()
        if elsewhere.name.startswith(RUN_PREFIX):
            shutil.rmtree(elsewhere, ignore_errors=True)
        run.unlink()
    else:
        shutil.rmtree(run, ignore_errors=True)
