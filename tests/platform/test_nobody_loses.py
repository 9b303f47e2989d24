"""Redis and the gateway with its shop are killed in the middle of a sale: nobody is farther back for it."""

import json
import os
import signal

import pytest

from tests.platform.processes import open_folder, wait_until
from tests.platform.whole_system import Buyer, FanInLine, Up, ask, started_up

pytestmark = pytest.mark.timeout(300)

INSIDE = 2
WAITING = 6


def board(up: Up) -> dict[str, object]:
    content: dict[str, object] = json.loads(ask(f"{up.url}/api/sales/demo/status")[1])
    return content


def kill(up: Up, name: str) -> None:
    pid = up.run_file["pids"][name]
    os.kill(pid, signal.SIGKILL)
    wait_until(f"{name} runs again", lambda: up.run_file["pids"][name] not in (pid, None))


@pytest.mark.parametrize(
    "killed", [("redis",), ("gateway-1",), ("redis", "gateway-1")], ids="+".join
)
def test_nobody_is_farther_back(killed: tuple[str, ...]) -> None:
    with open_folder() as folder, started_up(folder / "data", "--demo") as up:
        up.command("sale", "set", "demo", "--capacity", str(INSIDE), "--rate", "6000")
        wait_until("every process knows", lambda: board(up)["rate_per_minute"] == 6000)
        inside = [Buyer(up.url) for _ in range(INSIDE)]
        waiting = [FanInLine(up.url) for _ in range(WAITING)]
        assert not any(fan.is_inside() for fan in waiting), "the house is full"
        # A board is up to a second old: one of the moment before the last of them was let in shows less.
        wait_until("the board shows who was let in", lambda: board(up)["serving"] == INSIDE)

        for name in killed:
            kill(up, name)
        up.wait()

        # Who was inside is inside still, and can buy; who waits is where they were, behind nobody new.
        late = FanInLine(up.url)
        assert late.place > max(fan.place for fan in waiting)
        wait_until("the line moves again", lambda: board(up)["phase"] == "open")
        assert board(up)["serving"] == INSIDE
        assert not any(fan.is_inside() for fan in (*waiting, late)), "the house is full still"
        for fan in inside:
            fan.buy()
        # Who has bought makes room: for those who waited longest, and for no more than that.
        called, behind = waiting[:INSIDE], waiting[INSIDE:]
        for fan in called:
            wait_until("the next are let in, in their order", fan.is_inside)
        assert not any(fan.is_inside() for fan in (*behind, late))
