"""Epochs: which Redis may be believed, and how a new one is filled from PostgreSQL.

A restarted, promoted or emptied Redis answers NOSCRIPT, or a script answers `not_loaded` or
`fenced`. Then one process, by an advisory lock in PostgreSQL, raises the epoch, loads the scripts
salted with it, and rebuilds each sale and event when it is first asked for. Empty means closed.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from redis.exceptions import NoScriptError

from groundwork import metrics
from groundwork.errors import StoreUnavailable
from groundwork.postgres import Pool, connection
from groundwork.redis_store import RedisStore
from lua import Keys, LuaScript, epoch_mark, salted_source, script_names, sha_of
from lua.keys import event_keys, sale_keys

# Any number, the same everywhere: whoever raises the epoch holds this lock.
EPOCH_LOCK = 7_305_001
# A caller sees at most: old epoch, then not loaded, then the answer; one more for bad luck.
TRIES_MAX = 4
# Filling holds one connection for its lock while it reads with others: were all of the pool's used
# for locks, none of them would ever be done.
FILLS_AT_ONCE = 2
# A fill takes well under a second for a house of 60,000 seats. Requests under way may have taken ten seconds
# before, and after fifteen a supervisor kills.
CLOSE_SECONDS_MAX = 3.0

log = structlog.get_logger()

Loader = Callable[[str, int], Awaitable[None]]
Reader = Callable[..., Awaitable[Any]]


class Epochs:
    """Runs scripts in the current epoch, and starts recovery when the server is another one."""

    def __init__(self, store: RedisStore, pool: Pool) -> None:
        self.store = store
        self.pool = pool
        self.epoch = 0
        self._loaders: dict[str, Loader] = {}
        self._renewing = asyncio.Lock()
        self._loading: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._fills = asyncio.Semaphore(FILLS_AT_ONCE)

    def register(self, kind: str, loader: Loader) -> None:
        """Name who fills a scope of this kind ('sale', 'event') in a new epoch."""
        self._loaders[kind] = loader

    async def start(self) -> None:
        """Learn the epoch; raise it when this server has never heard of it."""
        await self._renew(seen=-1)

    async def close(self) -> None:
        """Let the fills under way come to their end, before the stores are closed.

        One that was noted and then cut off is a loss to the next process, which answers it by a new epoch.
        """
        if self._loading:
            await asyncio.wait(self._loading.values(), timeout=CLOSE_SECONDS_MAX)

    async def run(
        self,
        script: LuaScript,
        scope: tuple[str, str],
        keys: Keys | Callable[[int], Keys],
        args: Mapping[str, str | int],
    ) -> list[Any]:
        """Return the script's answer from a server that may be believed.

        `scope` is ('sale', sale_id) or ('event', event_id). Keys that name the epoch are given as a
        function of it. Raises StoreUnavailable; every script is safe to repeat after that.
        """
        for _ in range(TRIES_MAX):
            epoch = self.epoch
            try:
                answer: list[Any] = await script.run(
                    self.store, epoch, keys(epoch) if callable(keys) else keys, args
                )
            except NoScriptError:
                await self._renew(epoch)
                continue
            if answer[0] not in ("not_loaded", "fenced"):
                return answer
            if answer[0] == "fenced" and int(answer[1]) > epoch:
                await self._renew(epoch)  # another process has begun a newer one
            await self._load(scope)
        raise StoreUnavailable(retry_after=1)

    async def _renew(self, seen: int, *, is_wiped: bool = False) -> None:
        """Adopt the epoch of PostgreSQL if the server knows its scripts, else raise it by one."""
        async with self._renewing:
            if self.epoch != seen and seen >= 0:
                return
            async with self._lock(EPOCH_LOCK) as read:
                epoch = int(await read("SELECT epoch FROM store_epoch"))
                is_lost = is_wiped and epoch == seen
                if epoch > 0 and not is_lost and await self._server_knows(epoch):
                    await self._load_scripts(epoch)
                else:
                    epoch += 1
                    await self._load_scripts(epoch)
                    await self.store.call("SCRIPT", "LOAD", epoch_mark(epoch))
                    await read("UPDATE store_epoch SET epoch = %s RETURNING epoch", epoch)
                    metrics.STORE_RECOVERIES.inc(0 if epoch == 1 else 1)  # the first is no loss
                    log.warning("a new epoch of the store begins", epoch=epoch)
            self.epoch = epoch
            metrics.STORE_EPOCH.set(epoch)

    async def _server_knows(self, epoch: int) -> bool:
        return bool((await self.store.call("SCRIPT", "EXISTS", sha_of(epoch_mark(epoch))))[0])

    async def _load_scripts(self, epoch: int) -> None:
        """Tell the server the scripts of this epoch as our release has them.

        Another release tells it its own. That must not look like a new server, or an old and a new
        process would end each other's epochs for as long as both run.
        """
        await asyncio.gather(
            *(
                self.store.call("SCRIPT", "LOAD", salted_source(name, epoch))
                for name in script_names()
            )
        )

    async def _load(self, scope: tuple[str, str]) -> None:
        """Fill one sale or event; thousands may ask at the same moment, and wait for one fill."""
        task = self._loading.get(scope)
        if task is None:
            task = self._loading[scope] = asyncio.create_task(self._load_once(scope))
            task.add_done_callback(lambda _: self._loading.pop(scope, None))
        await asyncio.wait([task])
        if task.cancelled():
            raise StoreUnavailable(retry_after=1)
        if error := task.exception():
            if isinstance(error, StoreUnavailable):
                # Each caller gets one of their own: a shared one would grow everybody's traceback.
                raise StoreUnavailable(retry_after=error.retry_after) from error
            raise error

    async def _load_once(self, scope: tuple[str, str]) -> None:
        """Fill one sale or event; one process does it, the others wait for it."""
        kind, scope_id = scope
        async with self._fills:
            epoch = self.epoch
            digest = hashlib.sha256(f"{kind}:{scope_id}".encode()).digest()
            async with self._lock(int.from_bytes(digest[:7], "big")) as read:
                is_filled = await self._is_filled(scope, epoch)
                is_current = epoch == int(await read("SELECT epoch FROM store_epoch"))
                earlier = await read(
                    "SELECT count(*) FROM filled_scopes WHERE scope = %s AND epoch = %s",
                    f"{kind}:{scope_id}", epoch,
                )  # fmt: skip
                if is_filled or (is_current and not earlier):
                    await self._fill(scope, epoch, read, is_filled=is_filled)
                    return
        # Another process has begun a newer epoch; or it was filled in this epoch and is empty, because
        # somebody wiped the server without a restart.
        await self._renew(epoch, is_wiped=True)

    async def _fill(
        self, scope: tuple[str, str], epoch: int, read: Reader, *, is_filled: bool
    ) -> None:
        """Fill the scope and note it: before, because under one epoch it must not be filled twice."""
        name = ":".join(scope)
        await read(
            """INSERT INTO filled_scopes (scope, epoch) VALUES (%s, %s)
            ON CONFLICT (scope, epoch) DO UPDATE SET epoch = excluded.epoch RETURNING epoch""",
            name, epoch,
        )  # fmt: skip
        if is_filled:
            return
        try:
            await self._loaders[scope[0]](scope[1], epoch)
        except BaseException:
            # It may be tried again. Should this not be noted either, then in the next epoch.
            await read(
                "DELETE FROM filled_scopes WHERE scope = %s AND epoch = %s RETURNING epoch",
                name, epoch,
            )  # fmt: skip
            raise

    async def _is_filled(self, scope: tuple[str, str], epoch: int) -> bool:
        kind, scope_id = scope
        key = sale_keys(scope_id)["line"] if kind == "sale" else event_keys(scope_id)["meta"]
        return bool(await self.store.call("HGET", key, "epoch") == str(epoch))

    @asynccontextmanager
    async def _lock(self, number: int) -> AsyncIterator[Reader]:
        """Hold a session's advisory lock; yields a function that runs a statement beside it."""
        async with connection(self.pool) as held:
            await held.execute("SELECT pg_advisory_lock(%s)", (number,))

            async def read(statement: Any, *values: object) -> Any:
                row = await (await held.execute(statement, values)).fetchone()
                assert row is not None
                return row[0]

            try:
                yield read
            finally:
                await held.execute("SELECT pg_advisory_unlock(%s)", (number,))
