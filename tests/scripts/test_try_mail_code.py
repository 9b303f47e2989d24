"""try_mail_code: so many tries, whoever makes them, and an end."""

import json

from lua.keys import mail_code_key
from tests.simulation.script_caller import ScriptCaller

KEY = mail_code_key("tour", "step-up:ada")


async def sent(call: ScriptCaller, px: int = 60_000) -> None:
    kept = json.dumps({"mac": "m", "mailbox": "b", "tries": 0})
    await call.store.call("SET", KEY, kept, "PX", px)


async def tried(call: ScriptCaller) -> list[object]:
    return await call("try_mail_code", {"code": KEY}, {"tries_max": 3})


async def test_three_tries_and_no_fourth(call: ScriptCaller) -> None:
    await sent(call)
    assert [await tried(call) for _ in range(3)] == [["try", "m", "b", left] for left in (2, 1, 0)]
    assert await tried(call) == ["used_up"]
    assert await tried(call) == ["used_up"], "and it stays so"


async def test_a_try_makes_no_code_last_longer(call: ScriptCaller) -> None:
    await sent(call, px=40_000)
    await tried(call)
    assert 0 < await call.store.call("PTTL", KEY) <= 40_000


async def test_none_and_a_new_one(call: ScriptCaller) -> None:
    assert await tried(call) == ["gone"]
    await sent(call)
    for _ in range(4):
        await tried(call)
    await sent(call)
    assert await tried(call) == ["try", "m", "b", 2]
