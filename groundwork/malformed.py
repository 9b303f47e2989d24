"""The answer to bytes that are no request: no application ever sees them."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from groundwork.problem_json import Problem

# Headers of answers to what is no request, for an application never sees it.
REFUSAL_HEADERS: Final[web.AppKey[Mapping[str, str]]] = web.AppKey("refusal_headers")


class Refusal(web.Response):
    """The answer to a request that is none."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        code = "head-too-large" if status == 431 else "request-malformed"
        problem = Problem(code, status, {}, "")
        document = problem.document()
        del document["instance"]  # it came to no request that could be named
        super().__init__(
            body=msgspec.json.encode(document),
            status=status,
            headers={**headers, **problem.headers},
            content_type="application/problem+json",
        )
        self.force_close()

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        # What software and version answers here helps nobody but who looks for its weaknesses.
        self.headers.popall("Server", None)


def head_size(message: Any) -> int:
    """Return how many bytes a request's head had, about; 0 for what is none."""
    lines = getattr(message, "raw_headers", ())
    return sum(len(name) + len(value) + len(b": \r\n") for name, value in lines)
