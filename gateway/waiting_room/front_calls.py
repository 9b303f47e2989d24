"""What the waiting room answers without the framework: joins, which come all in one moment."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from gateway.waiting_room.api import JOIN_PATH, JoinBody, join_for, ticket_cookies
from gateway.waiting_room.documents import ticket_document
from groundwork.answers import Answer, AnswerHeaders
from groundwork.bodies import decode_body
from groundwork.front_calls import Answering, OwnCall
from groundwork.plain_request import PlainRequest
from groundwork.typed_answers import JSON, NO_STORE

# As sales may be named; what is no name of one is refused by the framework.
JOIN: Final = re.compile(r"/api/sales/([a-z0-9][a-z0-9-]{0,62})/join", re.ASCII)
CREATED: Final = AnswerHeaders({"Content-Type": JSON, **NO_STORE})


def join(parts: Sequence[str], request: PlainRequest) -> Answering:
    """Take the fan into the line; who sends cookies that are not plain is the framework's."""
    assert request.cookies is not None  # read now, while it can still be left to the framework
    return partial(_joined, parts[0], request)


async def _joined(sale_id: str, request: PlainRequest) -> Answer:
    given = await join_for(request, sale_id, decode_body(request.body, JoinBody))
    body = msgspec.json.encode(ticket_document(given))
    return Answer(201, CREATED, body, ticket_cookies(request, given))


CALLS: Final = (OwnCall("POST", JOIN_PATH, JOIN, join),)
