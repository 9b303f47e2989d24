"""Redis: calls of one tick of the event loop travel in one pipeline, and nothing is retried blindly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import hiredis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from groundwork import metrics
from groundwork.counted_soon import TimedSoon, count_soon, observe_soon, observed_soon
from groundwork.errors import StoreUnavailable
from groundwork.redis_address import client_of
from groundwork.redis_answers import read_answers

# A script takes microseconds; a second of silence means the server is gone or stuck.
SOCKET_TIMEOUT_SECONDS = 1.0
# The server answers a pipeline when it is through with it. With so many holds (two milliseconds) in one
# it works at the next while we take the answers: an eighth more of both together than with all in one.
PIPELINE_CALLS = 32
# Behind a long way to the server a queue grows; then a pipeline takes its eighth, up to what keeps the
# server busy for some ten milliseconds: more would be felt by all.
QUEUE_SHARE = 8
PIPELINE_CALLS_MAX = 500
# Two under way keep the server busy while we read; more would only split the batches.
PIPELINES_UNDER_WAY_MAX = 2
# Callers beyond this get 503 at once: memory is finite and their answer would come too late.
CALLS_WAITING_MAX = 20_000

Word = str | int | bytes
# No answer, for one reason or another.
GONE = (RedisConnectionError, RedisTimeoutError, TimeoutError, OSError)

# What a command is called, and all of it as it is sent.
Command = tuple[str, bytes]


def packed(*words: Word) -> bytes:
    """Return words of a command as the protocol has them, without the line that says how many there are.

    A word takes 0.1 µs to pack, and a hold has 29: what many commands have in common is packed once.
    """
    # The signature of pack_command says one argument; it takes any number.
    whole: bytes = hiredis.pack_command(cast("Any", words))
    return whole[whole.index(b"\n") + 1 :]


def connect(url: str, *, blocking_reader: bool = False) -> Redis:
    """Return a client with text answers and no retries of its own.

    A library that repeats a timed-out script runs it twice; only we know which may be repeated.
    `blocking_reader` is for stream readers, which wait longer than any socket timeout.
    """
    return client_of(
        url,
        {
            "decode_responses": True,
            "retry": Retry(NoBackoff(), 0),
            "socket_timeout": None if blocking_reader else SOCKET_TIMEOUT_SECONDS,
            "socket_connect_timeout": SOCKET_TIMEOUT_SECONDS,
            "health_check_interval": 0,
        },
    )


class RedisStore:
    """Collects the calls made in one tick and sends them as one pipeline."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self._seconds = observed_soon(metrics.REDIS_SECONDS)
        self._waiting: list[tuple[Command, asyncio.Future[Any]]] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._flush_is_due = False
        # The one on which the connections are; asking for it costs a call of the kernel.
        self._loop: asyncio.AbstractEventLoop | None = None

    def call(self, name: str, *words: Word) -> Awaitable[Any]:
        """Return what will be the server's answer to one command.

        Raises StoreUnavailable when there is none: then it is unknown whether the command ran.
        Raises redis.exceptions.ResponseError when the server refused it.
        """
        return self.send(name, b"*%d\r\n%b" % (1 + len(words), packed(name, *words)))

    def send(self, name: str, command: bytes) -> Awaitable[Any]:
        """Return the same of a command of this name that is packed already. Raises as `call`."""
        if len(self._waiting) >= CALLS_WAITING_MAX:
            raise StoreUnavailable(retry_after=1)
        loop = self._loop = self._loop or asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(((name, command), answer))
        if not self._flush_is_due:
            self._flush_is_due = True
            loop.call_soon(self._flush)
        return answer

    def _flush(self) -> None:
        self._flush_is_due = False
        assert self._loop is not None
        while self._waiting and len(self._under_way) < PIPELINES_UNDER_WAY_MAX:
            size = max(PIPELINE_CALLS, min(len(self._waiting) // QUEUE_SHARE, PIPELINE_CALLS_MAX))
            batch = self._waiting[:size]
            del self._waiting[:size]
            # A task of its own: a caller that is cancelled must not disturb its neighbours.
            task = self._loop.create_task(self._send(batch))
            self._under_way.add(task)
            task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        task.result()
        if self._waiting:
            self._flush()

    async def _send(self, batch: list[tuple[Command, asyncio.Future[Any]]]) -> None:
        scripts = sum(1 for command, _ in batch if command[0] == "EVALSHA")
        count_soon(metrics.REDIS_CALLS, "script", by=scripts)
        count_soon(metrics.REDIS_CALLS, "command", by=len(batch) - scripts)
        observe_soon(metrics.REDIS_PIPELINE_CALLS, value=len(batch))
        answers: list[Any]
        try:
            with TimedSoon(self._seconds):
                answers = await self._ask([command for command, _ in batch])
        except (*GONE, asyncio.CancelledError) as error:
            # Nobody cancels this task: the library's own bound may look so, where the loop has stood still
            # while it connected.
            metrics.STORE_ERRORS.labels("redis").inc()
            unavailable = StoreUnavailable(retry_after=1)
            unavailable.__cause__ = error
            answers = [unavailable] * len(batch)
        except Exception as error:
            # Also what nobody thought of, such as bytes that are no text: callers must not wait for ever.
            answers = [error] * len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(_refusal_of(answer))
            else:
                future.set_result(answer)

    async def _ask(self, commands: Sequence[Command]) -> list[Any]:
        """Send the commands as one text and read their answers, refusals among them.

        Not by the library's pipeline: that packs in Python, and sets a timer for each answer.
        """
        pool = self.client.connection_pool
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]
        loop = asyncio.get_running_loop()
        text = b"".join([command for _, command in commands])
        try:
            # Bounded by the library, and not by us as well: its wait swallows what another bound says
            # where the loop has stood still for so long.
            await connection.send_packed_command(text, check_health=False)
            async with asyncio.timeout(SOCKET_TIMEOUT_SECONDS) as silence:

                def is_alive() -> None:
                    silence.reschedule(loop.time() + SOCKET_TIMEOUT_SECONDS)

                answers = await read_answers(connection, len(commands), is_alive)
        except BaseException:
            # Whatever broke this off: the next caller must not read our answers.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)
        return [
            answer if name == "EVALSHA" else self._shaped(name, answer)
            for (name, _), answer in zip(commands, answers, strict=True)
        ]

    def _shaped(self, name: str, answer: Any) -> Any:
        """Return an answer as the library shapes it: a hash as a dict, and so on."""
        shape = self.client.response_callbacks.get(name)
        return answer if shape is None or isinstance(answer, ResponseError) else shape(answer)

    async def close(self) -> None:
        """Let the calls under way land, then close the connections."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        await self.client.aclose()


def _refusal_of(error: Exception) -> Exception:
    """Each caller gets an exception of its own: a shared one would grow everybody's traceback."""
    if isinstance(error, StoreUnavailable):
        own = StoreUnavailable(retry_after=error.retry_after)
        own.__cause__ = error.__cause__
        return own
    if isinstance(error, RedisConnectionError | RedisTimeoutError):
        # LOADING after a restart, READONLY on a replica: this server does not serve us now.
        own = StoreUnavailable(retry_after=1)
        own.__cause__ = error
        return own
    if isinstance(error, ResponseError) and str(error).startswith(("MISCONF", "OOM", "NOREPLICAS")):
        own = StoreUnavailable(retry_after=2)
        own.__cause__ = error
        return own
    return error


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[RedisStore]:
    """Yield a store on its own connections; closes them on the way out."""
    store = RedisStore(connect(url))
    try:
        yield store
    finally:
        await store.close()


class UnsafeStore(Exception):
    """The server's configuration would lose or evict what we keep; better not to start."""


# What the server must be set to, and why.
REQUIRED_SETTINGS = {
    "maxmemory-policy": ("noeviction", "an evicted hold is a seat offered twice"),
    "appendonly": ("yes", "without the log a restart forgets every hold"),
    "no-appendfsync-on-rewrite": ("no", "it would stop the disk log during every rewrite"),
}
# The first version whose scripts are neither replicated nor persisted: NOSCRIPT is our fence.
VERSION_MIN = (7, 0)


async def prove_safe(client: Redis) -> None:
    """Raise UnsafeStore, naming everything that is wrong, unless the server can be relied on.

    A managed server that forbids CONFIG is taken at its word.
    """
    wrong: list[str] = []
    info = await client.info("server")
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    if version < VERSION_MIN:
        wrong.append(f"Redis {info['redis_version']} is too old: 7.0 or newer is needed")
    for name, (wanted, reason) in REQUIRED_SETTINGS.items():
        try:
            found = (await client.config_get(name)).get(name)
        except ResponseError:
            continue
        if found != wanted:
            wrong.append(f"set {name} to {wanted} (is {found}): {reason}")
    if wrong:
        raise UnsafeStore("\n".join(wrong))
