"""Calls scripts on a real server with a given time, and notes what they answered."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

import lua
from groundwork.redis_store import RedisStore
from lua import LuaScript, script_names

# Far from zero, as real clocks are: a number that lost its digits on the way would show.
NOON: Final = 1_700_000_000_000
EPOCH: Final = 7

# Script name -> the first words it has answered in this session, for tests/scripts/conftest.py.
words_seen: dict[str, set[str]] = defaultdict(set)


class ScriptCaller:
    """The scripts of lua/ as they are now, on one server, in one epoch."""

    def __init__(self, store: RedisStore, epoch: int = EPOCH) -> None:
        self.store = store
        self.epoch = epoch
        self._scripts: dict[str, LuaScript] = {}

    async def load(self) -> None:
        """Tell the server the scripts of this epoch; a script that was edited is loaded as edited."""
        for name in script_names():
            source = f"-- epoch {self.epoch}\n{lua.read_source(name)}"
            await self.store.call("SCRIPT", "LOAD", source)
            self._scripts[name] = LuaScript(name)

    async def __call__(
        self, name: str, keys: Mapping[str, str], args: Mapping[str, str | int]
    ) -> list[Any]:
        """Return the answer; its first word is noted."""
        answer: list[Any] = await self._scripts[name].run(self.store, self.epoch, keys, args)
        words_seen[name].add(answer[0])
        return answer
