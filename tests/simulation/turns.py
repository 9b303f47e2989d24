"""Actors that act one at a time: each waits for its turn at every effect, and the seed says whose it is."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

# What a dead process would have answered to whoever still asks.
ACTOR: ContextVar[str] = ContextVar("actor")


class Died(BaseException):
    """The process is gone: nothing may catch this and go on."""


@dataclass
class Doom:
    """At which of its effects an actor dies, and on which side of it."""

    number: int = -1
    is_before: bool = True


@dataclass
class Turns:
    """Lets one actor go on at a time, from one effect to the next."""

    rng: random.Random
    dooms: Mapping[str, Doom] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    _parked: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _dead: set[str] = field(default_factory=set)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def around(self, name: str, effect: Callable[[], Awaitable[Any]]) -> Any:
        """Do the effect when it is the actor's turn; the actor may not survive it."""
        actor = ACTOR.get()
        if actor in self._dead:
            raise Died(actor)
        await self._turn(actor)
        number = self._counts[actor] = self._counts.get(actor, -1) + 1
        doom = self.dooms.get(actor, Doom())
        is_last = number == doom.number
        self.told.append(f"{actor}: {name}{' †' * is_last}")
        if is_last:
            self._dead.add(actor)
            if not doom.is_before:
                await effect()
            raise Died(actor)
        return await effect()

    async def _turn(self, actor: str) -> None:
        assert actor not in self._parked, f"{actor} does two things at once"
        self._parked[actor] = asyncio.get_running_loop().create_future()
        self._moved.set()
        await self._parked[actor]

    async def run(self, actors: Mapping[str, Coroutine[Any, Any, Any]]) -> dict[str, Any]:
        """Let all of them act to their end; return what each returned, or how it failed."""
        tasks: dict[str, asyncio.Task[Any]] = {}
        for name, work in actors.items():
            tasks[name] = asyncio.create_task(self._live(name, work))
        while not all(task.done() for task in tasks.values()):
            # Only who was let go on is under way; all others are parked or done.
            await self._all_still(tasks)
            if self._parked:
                chosen = self.rng.choice(sorted(self._parked))
                self._moved.clear()
                self._parked.pop(chosen).set_result(None)
        return {name: task.result() for name, task in tasks.items()}

    async def _all_still(self, tasks: Mapping[str, asyncio.Task[Any]]) -> None:
        while any(not task.done() and name not in self._parked for name, task in tasks.items()):
            await self._moved.wait()
            self._moved.clear()

    async def _live(self, name: str, work: Coroutine[Any, Any, Any]) -> Any:
        ACTOR.set(name)
        try:
            # Nobody does anything before its first turn: what comes first is the seed's, too.
            await self._turn(name)
            return await work
        except Died:
            return Died
        except Exception as refusal:
            return refusal
        finally:
            work.close()
            self._moved.set()
