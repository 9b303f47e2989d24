"""A private PostgreSQL on a Unix socket, run as an unprivileged user when we are root."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from onsale.cannot_start import CannotStart
from onsale.embedded.binaries import Binaries, opened_to_others
from onsale.embedded.child_process import ChildCommand, ChildProcess, last_line

OWNER = "onsale"
DATABASE = "onsale"
# Debian has this user everywhere; a `postgres` only where PostgreSQL is installed.
UNPRIVILEGED_USER = "nobody"
# Names the socket file; nothing listens on the network.
PORT = 5432
# Eight connections for each of two dozen processes, and room for people who look.
CONNECTIONS_MAX = 200
# The last checkpoint may take its time on a slow disk; after that it recovers at the next start.
STOP_SECONDS = 20.0
PROBE_SECONDS = 2
# In the name of a cluster that is being made, before the id of the process that makes it.
UNFINISHED = ".unfinished-"


def unprivileged_uid() -> int | None:
    """Return whom PostgreSQL runs as when we are root, which it refuses; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(UNPRIVILEGED_USER).pw_uid
    except KeyError as error:
        raise CannotStart(
            f"PostgreSQL refuses to run as root and there is no user {UNPRIVILEGED_USER}:"
            " run as another user or set DATABASE_URL."
        ) from error


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """One server, its folder, and the folder of the socket on which alone it listens."""

    binaries: Binaries
    data_dir: Path
    socket_dir: Path
    log_path: Path
    uid: int | None

    name = "postgres"

    @classmethod
    def find(
        cls, binaries: Binaries, *, data_dir: Path, socket_dir: Path, log_path: Path
    ) -> "PostgresServer":
        """Return the server with what it needs to run as whoever we are."""
        uid = unprivileged_uid()
        return cls(
            binaries=binaries if uid is None else opened_to_others(binaries),
            data_dir=data_dir,
            socket_dir=socket_dir,
            log_path=log_path,
            uid=uid,
        )

    def url_of(self, database: str) -> str:
        """The address of one of its databases."""
        host = quote(str(self.socket_dir), safe="")
        return f"postgresql://{OWNER}@{host}:{PORT}/{database}"

    @property
    def url(self) -> str:
        """The address for clients."""
        return self.url_of(DATABASE)

    async def prepare(self) -> None:
        """Make its folders and, the first time, its database cluster. Raises CannotStart."""
        for folder in (self.data_dir, self.socket_dir):
            self._make_folder(folder)
        version_file = self.data_dir / "PG_VERSION"
        if not version_file.exists():
            await self._initialise()
        found, ours = version_file.read_text("ascii").strip(), self._program_major()
        if found != ours:
            raise CannotStart(
                f"{self.data_dir} was made by PostgreSQL {found}, and {self.binaries.program} is"
                f" PostgreSQL {ours}: install version {found} or choose another data directory."
            )

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.uid is not None:
            os.chown(folder, self.uid, self.uid)

    async def _initialise(self) -> None:
        """Make the cluster beside its place and then put it there: a half-made one looks whole."""
        if any(self.data_dir.iterdir()):
            raise CannotStart(f"{self.data_dir} is not empty and not a database of PostgreSQL.")
        for left_behind in self.data_dir.parent.glob(f"{self.data_dir.name}{UNFINISHED}*"):
            shutil.rmtree(left_behind, ignore_errors=True)
        unfinished = self.data_dir.with_name(f"{self.data_dir.name}{UNFINISHED}{os.getpid()}")
        self._make_folder(unfinished)
        command = ChildCommand(
            name="initdb",
            argv=(
                *(str(self.binaries.folder / "initdb"), "--pgdata", str(unfinished)),
                *("--username", OWNER, "--encoding", "UTF8", "--locale", "C"),
                # Only the socket exists, in a folder that is closed to everybody else.
                *("--auth", "trust", "--no-instructions"),
            ),
            uid=self.uid,
            log_path=self.log_path,
        )
        process = await ChildProcess.start(command)
        try:
            exit_code = await process.wait()
        finally:
            await process.stop()
        if exit_code != 0:
            raise CannotStart(
                f"PostgreSQL could not make its database in {self.data_dir}:"
                f" {last_line(self.log_path)} (see {self.log_path})."
            )
        unfinished.rename(self.data_dir)

    def _program_major(self) -> str:
        answer = subprocess.run(  # noqa: S603 (the program we found)
            (self.binaries.program, "--version"), capture_output=True, text=True, check=True
        )
        # "postgres (PostgreSQL) 18.4" or "... 15.13 (Debian 15.13-0+deb12u1)"
        return answer.stdout.split()[2].partition(".")[0]

    def command(self, held_files: Sequence[int] = ()) -> ChildCommand:
        """Return how to start it; what it was told to keep survives a power cut (its defaults)."""
        return ChildCommand(
            name=self.name,
            argv=(
                *(str(self.binaries.program), "-D", str(self.data_dir)),
                *("-k", str(self.socket_dir), "-p", str(PORT), "-h", ""),
                *("-c", f"max_connections={CONNECTIONS_MAX}"),
                # The socket alone decides who may connect; 0700 like its folder.
                *("-c", "unix_socket_permissions=0700"),
            ),
            # Fast: end the connections, write a checkpoint. Then at once. Its children end with it
            # in both cases; after a kill they would have to notice by themselves.
            stop_signals=(signal.SIGINT, signal.SIGQUIT, signal.SIGKILL),
            stop_seconds=STOP_SECONDS,
            uid=self.uid,
            log_path=self.log_path,
            held_files=tuple(held_files),
        )

    async def is_ready(self) -> bool:
        """Whether it takes connections; the database of ours is made on the way if need be."""
        try:
            async with await psycopg.AsyncConnection.connect(
                self.url_of("postgres"), autocommit=True, connect_timeout=PROBE_SECONDS
            ) as connection:
                found = await connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)
                )
                if await found.fetchone() is None:
                    await connection.execute(
                        sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE))
                    )
        except psycopg.OperationalError:
            return False
        return True
