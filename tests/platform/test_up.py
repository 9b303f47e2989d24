"""`onsale up`: one command runs everything, survives its parts, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.platform.processes import (
    REPOSITORY,
    is_alive,
    open_folder,
    processes_of,
    wait_until,
)
from tests.platform.whole_system import (
    Buyer,
    Up,
    ask,
    clean_environ,
    read_booking,
    refused,
    started_up,
    up_command,
)

# Each test starts real servers and some processes that import everything.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def system() -> Iterator[Up]:
    """A running system that these tests share, and hurt in turn."""
    with open_folder() as folder, started_up(folder / "data", "--demo") as up:
        yield up


def test_a_sale_is_there_again_after_ctrl_c_and_a_second_start(folder: Path) -> None:
    data_dir = folder / "data"
    with started_up(data_dir, "--demo") as up:
        assert b"<html" in ask(f"{up.url}/sales/demo")[1]
        buyer = Buyer(up.url)
        booking_id = buyer.buy()
        sold = read_booking(up.url, booking_id, buyer.ticket)
        assert sold["status"] == "confirmed"
        up.command("sale", "create", "tour", "--name", "The tour")
        assert up.press_ctrl_c() == 0
        assert processes_of(data_dir) == []
        assert "Traceback" not in up.told
        assert up.told.rstrip().endswith("Stopped.")
        assert not (data_dir / "run.json").exists()
    with started_up(data_dir) as up:
        assert read_booking(up.url, booking_id, buyer.ticket) == sold
        assert "The tour" in up.command("sale", "list")


def test_what_is_secret_is_closed_to_others(system: Up) -> None:
    for name in ("run.json", "keys.json", "operator-login"):
        assert (system.data_dir / name).stat().st_mode & 0o777 == 0o600
    sockets = [*system.data_dir.glob("run/*/*.sock"), *system.data_dir.glob("run/*/.s.PGSQL.5432")]
    assert len(sockets) == 2
    for path in sockets:
        assert path.parent.stat().st_mode & 0o077 == 0


def listening_on(system: Up) -> set[tuple[str, int]]:
    """What the system's processes listen on, as the kernel writes addresses."""
    inodes = set()
    for pid in system.run_file["pids"].values():
        for opened in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                inodes.add(str(opened.readlink()))
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, address, _, state, *_, inode = line.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in inodes:
                host, _, port = address.partition(":")
                listening.add((host, int(port, 16)))
    return listening


def test_nothing_listens_but_the_three_ports(system: Up) -> None:
    provider_port = int(system.run_file["provider_url"].rpartition(":")[2])
    expected = {("0100007F", port) for port in (system.port, system.operator_port, provider_port)}
    # The kernel's table moves while it is read in pieces: a look may miss a line, never invent one.
    seen = set()

    def are_all_seen() -> bool:
        seen.update(listening_on(system))
        return seen >= expected

    wait_until("all three ports are listened on", are_all_seen)
    assert seen == expected


def test_the_first_login_steers_a_sale_and_is_written_down(system: Up) -> None:
    listener = f"http://127.0.0.1:{system.operator_port}/operator/api"
    name, password = (system.data_dir / "operator-login").read_text().split()
    assert ask(f"{listener}/sales")[0] == 401
    body = {"operator": name, "password": password}
    assert ask(f"{listener}/sign-in", body)[0] == 200
    assert ask(f"{listener}/sign-in", {**body, "password": "wrong"})[0] == 401
    scopes = ("--scope", "sales:read", "--scope", "sales:write", "--purpose", "test")
    token = system.command("operator", "token", name, *scopes).strip().splitlines()[-1]
    changed = ask(f"{listener}/sales/demo/set", {"reason": "a test", "burst": 77}, token)
    assert json.loads(changed[1])["burst"] == 77
    assert "a test" in system.command("operator", "log")
    assert "entries hold" in system.command("operator", "log", "--verify")


def test_other_commands_find_the_running_system(system: Up) -> None:
    assert system.command("sale", "list").startswith("demo\topen\t")
    assert "demo-arena" in system.command("sale", "show", "demo")
    system.command("sale", "pause", "demo", "--reason", "A short break")

    wait_until("fans are told of the pause", lambda: told(system) == ("paused", "A short break"))
    resume(system)


def told(system: Up) -> tuple[object, object]:
    """What fans are told: the sale's phase, and why it is paused."""
    board = json.loads(ask(f"{system.url}/api/sales/demo/status")[1])
    return board["phase"], board["pause_reason"]


def resume(system: Up) -> None:
    """Open the sale again, and wait until its gateway knows: another test may be next to buy."""
    system.command("sale", "resume", "demo")
    wait_until("the sale is open again", lambda: told(system) == ("open", ""))


def test_a_drained_sale_takes_nobody_new_in_until_it_is_resumed(system: Up) -> None:
    assert "demo is draining" in system.command("sale", "drain", "demo")
    wait_until("fans are told", lambda: told(system) == ("draining", ""))
    resume(system)


def test_odds_are_told_until_the_operator_says_no(system: Up) -> None:
    def odds() -> object:
        return json.loads(ask(f"{system.url}/api/sales/demo/status")[1])["odds"]

    wait_until("odds are told", odds)
    wait_until(
        "the shop has said what is left",
        lambda: (
            "that nobody has bought; pacing goes by it" in system.command("sale", "show", "demo")
        ),
    )
    system.command("sale", "set", "demo", "--no-tells-odds", "--no-stock-aware")
    wait_until("none are told", lambda: odds() is None)
    shown = system.command("sale", "show", "demo")
    assert "not told" in shown
    assert "pacing does not go by it" in shown
    system.command("sale", "set", "demo", "--tells-odds", "--stock-aware")
    wait_until("odds are told again", odds)


def test_the_numbers_of_all_processes_are_answered_together(system: Up) -> None:
    def are_there() -> bool:
        text = ask(f"http://127.0.0.1:{system.operator_port}/metrics")[1].decode()
        return all(
            f'onsale_process_up{{role="{role}"}} 1.0' in text
            for role in ("gateway", "worker", "operator")
        )

    # Another test may just have killed one of them.
    wait_until("each role is up once", are_there)


def test_a_second_start_on_the_same_folder_is_refused(system: Up) -> None:
    told = refused(*up_command(system.data_dir))
    assert told.startswith(f"Another onsale up (process {system.process.pid}) is running on")
    assert system.is_ready()


@pytest.mark.parametrize("option", ["port", "operator_port", "provider_port"])
def test_a_taken_port_is_refused_before_anything_starts(folder: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        told = refused(*up_command(folder / "data", **{option: port}))
    assert told == f"Port {port} is taken: choose another --{option.replace('_', '-')}."
    assert not (folder / "data").exists()


def test_a_port_that_others_share_is_refused_too(system: Up, folder: Path) -> None:
    told = refused(*up_command(folder / "data", port=system.port))
    assert told == f"Port {system.port} is taken: choose another --port."


def test_a_folder_that_cannot_be_used_is_refused(folder: Path) -> None:
    (folder / "file").touch()
    told = refused(*up_command(folder / "file"))
    assert told == f"{folder / 'file'} cannot be used as data directory: File exists."


def test_a_folder_of_a_newer_version_is_refused(folder: Path) -> None:
    (folder / "version.json").write_text('{"version": 99, "id": "x"}')
    assert "was written by a newer onsale" in refused(*up_command(folder))
    assert processes_of(folder) == []


def test_damaged_secrets_are_refused_and_no_server_is_left(folder: Path) -> None:
    (folder / "version.json").write_text('{"version": 1, "id": "x"}')
    (folder / "keys.json").touch(mode=0o644)
    assert "keys.json is open to others" in refused(*up_command(folder))
    assert processes_of(folder) == []


@pytest.mark.parametrize(
    ("variable", "address", "sentence"),
    [
        ("REDIS_URL", "unix:///nowhere/redis.sock", "The Redis of REDIS_URL does not answer"),
        ("DATABASE_URL", "postgresql:///x?host=/nowhere", "The database does not answer"),
    ],
)
def test_a_given_store_that_does_not_answer_is_refused(
    folder: Path, variable: str, address: str, sentence: str
) -> None:
    told = refused(*up_command(folder / "data"), environ={variable: address})
    assert told.startswith(sentence)
    assert processes_of(folder) == []


def test_wrong_settings_are_refused_before_anything_starts(folder: Path) -> None:
    told = refused(*up_command(folder / "data"), environ={"HOLD_MS": "soon"})
    assert told.startswith("HOLD_MS='soon'")
    assert not (folder / "data/logs").exists()
    assert processes_of(folder) == []


@pytest.mark.parametrize(
    "name", ["gateway-1", "worker", "provider", "operator", "redis", "postgres"]
)
def test_whatever_is_killed_comes_back(system: Up, name: str) -> None:
    pid = system.run_file["pids"][name]
    os.kill(pid, signal.SIGKILL)
    wait_until(
        f"{name} runs again",
        lambda: system.run_file["pids"][name] not in (pid, None),
    )
    system.wait()
    assert f"{name} (process {pid}) was killed by SIGKILL; starting it again" in system.told


def test_selling_goes_on_after_all_of_that(system: Up) -> None:
    Buyer(system.url).buy()


def test_nothing_outlives_a_killed_command_and_the_folder_is_free(folder: Path) -> None:
    data_dir = folder / "data"
    with started_up(data_dir, "--demo") as up:
        buyer = Buyer(up.url)
        booking_id = buyer.buy()
        pids = up.run_file["pids"]
        up.process.kill()
        up.process.wait()
        # At once: a second start waits for the servers of the first to write down what they have.
        with started_up(data_dir) as again:
            assert not any(is_alive(pid) for pid in pids.values())
            assert read_booking(again.url, booking_id, buyer.ticket)["status"] == "confirmed"


def test_ctrl_c_in_the_middle_of_the_start_leaves_nothing(folder: Path) -> None:
    data_dir = folder / "data"
    with subprocess.Popen(
        up_command(data_dir, "--demo"),
        cwd=REPOSITORY,
        env=clean_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    ) as process:
        wait_until("a server starts", lambda: (data_dir / "logs/postgres.log").exists())
        os.killpg(process.pid, signal.SIGINT)
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert "Traceback" not in told
    assert processes_of(data_dir) == []
