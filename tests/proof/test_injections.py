"""Each way to do harm does just that harm: wires, processes, effects, files and clocks, one by one."""

import asyncio
import inspect
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_origin

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from booking_core.ledger.order import COLUMNS
from groundwork.clock import SystemClock
from onsale.embedded.child_process import ChildCommand
from onsale.prove.clocks import LOOK_EVERY_MS, WrongBy, make_steppable
from onsale.prove.effects import EFFECTS, MOMENTS, effect_names
from onsale.prove.machinery import Machine, kept_alive
from onsale.prove.redis_faults import cut_short
from onsale.prove.wire import Wire
from onsale.prove.wire_faults import CHANGED, CLAIMED, SOLD

CLOCK = SystemClock()
# Far above what any of it takes.
PATIENCE_S = 10.0
# Long enough to see that nothing comes.
SILENCE_S = 0.15
GONE = b""
# A row like that of an order, whatever is in it.
ONE_ORDER = "(SELECT) AS one LEFT JOIN orders ON true"


@asynccontextmanager
async def a_wire_to_an_echo() -> AsyncIterator[tuple[Wire, list[bytes]]]:
    """A wire to a server that answers what it hears; what it heard is in the list."""
    heard: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(1024):
            heard.append(chunk)
            writer.write(b"re:" + chunk)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Wire(CLOCK, server.sockets[0].getsockname()[:2]).laid() as wire:
        yield wire, heard


@asynccontextmanager
async def connected(wire: Wire) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def ask(ends: tuple[asyncio.StreamReader, asyncio.StreamWriter], text: bytes) -> bytes:
    """Return the answer; GONE when the connection ended instead, by a reset or not."""
    reader, writer = ends
    try:
        writer.write(text)
        return await reader.read(1024)
    except ConnectionError:
        return GONE


async def test_a_good_wire_passes_everything_on() -> None:
    async with a_wire_to_an_echo() as (wire, _), connected(wire) as ends:
        assert await ask(ends, b"one") == b"re:one"


async def test_a_lost_answer_was_heard_and_the_connection_is_gone() -> None:
    async with a_wire_to_an_echo() as (wire, heard), connected(wire) as ends:
        wire.loses = lambda chunk: b"sell" in chunk
        assert await ask(ends, b"hold") == b"re:hold"
        assert await ask(ends, b"sell") == GONE
        assert heard == [b"hold", b"sell"]
        assert wire.lost == 1


async def test_a_silent_wire_tells_nobody_and_passes_it_on_later() -> None:
    async with a_wire_to_an_echo() as (wire, heard), connected(wire) as ends:
        wire.mute()
        asking = asyncio.create_task(ask(ends, b"late"))
        await asyncio.sleep(SILENCE_S)
        assert (asking.done(), heard) == (False, [])
        wire.heal()
        assert await asking == b"re:late"


async def test_a_slow_wire_takes_its_time_each_way() -> None:
    async with a_wire_to_an_echo() as (wire, _), connected(wire) as ends:
        wire.delay_ms = 60
        began_at_ms = CLOCK.monotonic_ms()
        assert await ask(ends, b"slow") == b"re:slow"
        assert CLOCK.monotonic_ms() - began_at_ms >= 2 * wire.delay_ms


async def test_a_cut_wire_resets_what_is_open_and_a_refusing_one_takes_nobody() -> None:
    async with a_wire_to_an_echo() as (wire, heard):
        async with connected(wire) as ends:
            await ask(ends, b"one")
            assert wire.cut() == 2
            assert await ask(ends, b"two") == GONE
        wire.is_refusing = True
        async with connected(wire) as ends:
            assert await ask(ends, b"three") == GONE
        assert heard == [b"one"]


async def test_answers_of_commits_are_told_apart_on_the_wire(database_dsn: str) -> None:
    """What PostgreSQL really says when an order is sold, claimed, changed: just these get lost."""
    known = conninfo_to_dict(database_dsn)
    said: list[bytes] = []
    socket = Path(str(known["host"])) / f".s.PGSQL.{known.get('port', 5432)}"
    wire = Wire(CLOCK, socket if socket.exists() else (str(known["host"]), int(known["port"])))
    wire.loses = lambda chunk: bool(said.append(chunk))
    async with (
        wire.laid(),
        await psycopg.AsyncConnection.connect(
            database_dsn, host="127.0.0.1", port=wire.port, autocommit=True, sslmode="disable"
        ) as connection,
    ):
        for statement, mark in (
            (f"SELECT 'SOLD'::text, {COLUMNS} FROM {ONE_ORDER}", SOLD),
            (f"SELECT 'claimed'::text, ''::text, {COLUMNS} FROM {ONE_ORDER}", CLAIMED),
            ("UPDATE store_epoch SET epoch = epoch", CHANGED),
        ):
            said.clear()
            await connection.execute(statement)
            assert mark.search(b"".join(said)), statement


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    command = ChildCommand(
        name="sleeper", argv=("/bin/sleep", "60"), environ={}, stop_seconds=1.0,
        log_path=tmp_path / "log",
    )  # fmt: skip
    machine = Machine(command, CLOCK, None)
    await machine.start()
    yield machine
    await machine.kill()


def state_of(pid: int) -> str:
    """The letter Linux has for what a process does: S sleeps, T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]


async def test_a_killed_process_is_gone_and_stays_so(machine: Machine) -> None:
    async with kept_alive([machine], CLOCK):
        await machine.kill()
        assert not machine.is_running
        await asyncio.sleep(0.5)
        assert not machine.is_running
        assert machine.revivals == 0


async def test_what_ends_by_itself_is_started_again(machine: Machine) -> None:
    first = machine.pid
    async with kept_alive([machine], CLOCK), asyncio.timeout(PATIENCE_S):
        os.kill(first, signal.SIGKILL)
        while machine.revivals == 0 or not machine.is_running:
            await asyncio.sleep(0.05)
        assert machine.pid != first


async def test_a_frozen_process_stands_still_until_it_is_thawed(machine: Machine) -> None:
    async with asyncio.timeout(PATIENCE_S):
        machine.freeze()
        while state_of(machine.pid) != "T":
            await asyncio.sleep(0.01)
        machine.thaw()
        while state_of(machine.pid) == "T":
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("moment", MOMENTS)
def test_who_comes_to_an_armed_effect_dies_of_it_once(tmp_path: Path, moment: str) -> None:
    armed, done = tmp_path / "armed", tmp_path / "done"
    script = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from onsale.prove.effects import make_mortal\n"
        "class Till:\n    async def pay(self):\n        Path(sys.argv[2]).write_text('paid')\n"
        "make_mortal(Till, 'pay', Path(sys.argv[1]))\nasyncio.run(Till().pay())\n"
    )

    def run() -> int:
        return subprocess.run(
            [sys.executable, "-c", script, str(armed), str(done)],
            cwd=Path(__file__).parents[2], check=False,
        ).returncode  # fmt: skip

    armed.write_text(f"{moment} Till.pay", "ascii")
    assert run() == -signal.SIGKILL
    assert done.exists() == (moment == "after")
    assert not armed.exists()
    assert run() == 0
    assert done.exists()


def test_every_effect_that_can_be_armed_is_there() -> None:
    for kind, names in EFFECTS.items():
        for name in names:
            effect = getattr(kind, name)
            # Written with `async def`, or handing on what is.
            is_awaited = asyncio.iscoroutinefunction(effect) or get_origin(
                inspect.signature(effect).return_annotation
            ) in (Awaitable, Coroutine)
            assert is_awaited, f"{kind.__name__}.{name}"
    assert len(effect_names()) == 2 * sum(len(names) for names in EFFECTS.values())


def test_a_log_is_cut_at_its_newest_end(tmp_path: Path) -> None:
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    for number, content in enumerate((b"older", b"newest")):
        (folder / f"appendonly.aof.{number}.incr.aof").write_bytes(content)
        os.utime(folder / f"appendonly.aof.{number}.incr.aof", (number, number))
    assert cut_short(tmp_path, 3) == 3
    assert (folder / "appendonly.aof.1.incr.aof").read_bytes() == b"new"
    assert (folder / "appendonly.aof.0.incr.aof").read_bytes() == b"older"


def test_a_clock_is_wrong_for_as_long_as_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    wrong = WrongBy(file)
    assert wrong.offset_ms(0.0) == 0
    file.write_text("-25000", "ascii")
    assert wrong.offset_ms(1.0) == 0, "looked at now and then only"
    assert wrong.offset_ms(LOOK_EVERY_MS) == -25_000
    file.unlink()
    assert wrong.offset_ms(2 * LOOK_EVERY_MS) == 0

    class Watch(SystemClock):
        """A clock of this test's own."""

    file.write_text("3600000", "ascii")
    make_steppable(Watch, WrongBy(file))
    assert 3_590_000 < Watch().now_ms() - CLOCK.now_ms() < 3_610_000
    assert abs(Watch().monotonic_ms() - CLOCK.monotonic_ms()) < 1_000
