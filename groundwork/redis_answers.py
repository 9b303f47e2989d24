"""Reads the answers to a pipeline from a connection of the library, all that have come at once."""

from collections.abc import Callable
from typing import Any, Final

import hiredis
from redis._parsers.hiredis import NOT_ENOUGH_DATA
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError

# What a script answers is a list; nearly everything else is looked at closer.
LIST: Final = list
# Answers come in lots of about so many; each lot shows that the server is alive.
ANSWERS_AT_ONCE: Final = 32


async def read_answers(
    connection: AbstractConnection, count: int, on_lot: Callable[[], object]
) -> list[Any]:
    """Return so many answers, refusals among them as errors; `on_lot` is told whenever a lot has come.

    The library's own way wakes three coroutines for each answer, a tenth of what a call costs us.
    Here its parser is asked for what it has, by names that are its own: tests hold this to the other way.
    Raises ConnectionError, of the library, for an answer after which the server may not be asked again:
    it is loading, or it was the primary and is none any more.
    """
    parser: Any = connection._parser  # noqa: SLF001
    take = parser._reader.gets  # noqa: SLF001
    answers: list[Any] = []
    told = 0
    while len(answers) < count:
        answer = take()
        if answer is NOT_ENOUGH_DATA:
            if len(answers) >= told + ANSWERS_AT_ONCE:
                told = len(answers)
                on_lot()
            await parser.read_from_socket()
        elif type(answer) is LIST:
            answers.append(answer)
        elif isinstance(answer, hiredis.PushNotification):
            await parser.handle_push_response(answer)  # no answer to anything we asked
        elif isinstance(answer, Exception) and not isinstance(answer, ResponseError):
            raise answer
        elif isinstance(answer, ReadOnlyError):
            # Only a new connection asks who is the primary now.
            raise RedisConnectionError("the server was the primary, and takes no changes now")
        else:
            answers.append(answer)
    return answers
