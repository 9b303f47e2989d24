"""Request bodies, typed and bounded, or refused with the field that is wrong."""

from typing import TypeVar

import msgspec
from aiohttp import web

from groundwork.errors import RequestInvalid

Body = TypeVar("Body", bound=msgspec.Struct)


async def read_body(request: web.Request, kind: type[Body]) -> Body:
    """Return the typed JSON body. Raises RequestInvalid naming the field; an empty body is {}."""
    content = await request.read()
    try:
        return msgspec.json.decode(content or b"{}", type=kind)
    except msgspec.ValidationError as error:
        rule, _, path = str(error).partition(" - at `$")
        raise RequestInvalid(path.strip("`.") or "body", rule) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestInvalid("body", "must be JSON") from error
