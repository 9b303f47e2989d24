"""Request bodies, typed and bounded, or refused with the field that is wrong."""

from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from groundwork.errors import RequestInvalid

Body = TypeVar("Body", bound=msgspec.Struct)

# As many as providers and the draft standard take.
KEY_CHARACTERS_MAX: Final = 255
# What a form without a file is sent as; browsers send nothing else for ours.
FORM: Final = "application/x-www-form-urlencoded"
# Our largest form has five; a body full of empty ones should cost nothing.
FIELDS_MAX: Final = 32


async def read_body(request: web.Request, kind: type[Body]) -> Body:
    """Return the typed JSON body. Raises RequestInvalid naming the field; an empty body is {}."""
    content = await read_content(request)
    try:
        return msgspec.json.decode(content or b"{}", type=kind)
    except msgspec.ValidationError as error:
        rule, _, path = str(error).partition(" - at `$")
        raise RequestInvalid(path.strip("`.") or "body", rule) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise RequestInvalid("body", "must be JSON") from error


async def read_form(request: web.Request) -> Mapping[str, str]:
    """Return the fields of a form, the last of each name; what is not UTF-8 becomes U+FFFD.

    Raises RequestInvalid for anything but a form without files.
    """
    content = await read_content(request)
    if content and request.content_type != FORM:
        raise RequestInvalid("Content-Type", f"must be {FORM}")
    try:
        pairs = parse_qsl(
            content.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX
        )
    except ValueError as error:
        raise RequestInvalid("body", f"must have at most {FIELDS_MAX} fields") from error
    return dict(pairs)


def idempotency_key(request: web.Request, in_body: str | None) -> str:
    """Return the key that tells a repeat from another request, the header's first; "" without one.

    Raises RequestInvalid for one that could not be stored as it is.
    """
    key = request.headers.get("Idempotency-Key") or in_body or ""
    # Two keys that are not text would look alike: their bytes arrive as U+FFFD, or as surrogates.
    if len(key) > KEY_CHARACTERS_MAX or not key.isprintable() or "\ufffd" in key:
        raise RequestInvalid(
            "Idempotency-Key", f"must be at most {KEY_CHARACTERS_MAX} printable characters"
        )
    return key


async def read_content(request: web.Request) -> bytes:
    """Return the body. Raises RequestInvalid when it does not come as its headers say."""
    try:
        return await request.read()
    except (web.RequestPayloadError, ValueError) as error:
        raise RequestInvalid("body", "could not be read") from error
