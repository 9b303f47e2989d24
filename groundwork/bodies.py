"""Request bodies, typed and bounded, or refused with the field that is wrong."""

import functools
import re
from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
import msgspec.inspect
import msgspec.structs
from aiohttp import web

from groundwork.errors import RequestInvalid

Body = TypeVar("Body", bound=msgspec.Struct)

# As many as providers and the draft standard take.
KEY_CHARACTERS_MAX: Final = 255
# What a form without a file is sent as; browsers send nothing else for ours.
FORM: Final = "application/x-www-form-urlencoded"
# Our largest form has five; a body full of empty ones should cost nothing.
FIELDS_MAX: Final = 32
# A text of a structured header (RFC 9651 §3.3.3), and what stands for a character in it.
QUOTED: Final = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
ESCAPED: Final = re.compile(r'\\(["\\])')
# A number in a query; longer ones are beyond every limit of ours.
DIGITS: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)


async def read_body(request: web.Request, kind: type[Body]) -> Body:
    """Return the typed JSON body. Raises RequestInvalid naming the field; an empty body is {}."""
    return decode_body(await read_content(request), kind)


def decode_body(content: bytes, kind: type[Body]) -> Body:
    """Return the typed JSON body. Raises RequestInvalid naming the field; an empty body is {}."""
    try:
        return msgspec.json.decode(content or b"{}", type=kind)
    except msgspec.ValidationError as error:
        rule, _, path = str(error).partition(" - at `$")
        raise RequestInvalid(path.strip("`.") or "body", rule) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise RequestInvalid("body", "must be JSON") from error


def read_query(request: web.Request, kind: type[Body]) -> Body:
    """Return the typed query; an empty value is none, and of a name that comes twice the first counts.

    Raises RequestInvalid naming the field.
    """
    given: dict[str, str | int] = {}
    for name in request.query:
        text = request.query[name].strip()
        if text:
            given[name] = int(text) if name in _numbers(kind) and DIGITS.fullmatch(text) else text
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        rule, _, path = str(error).partition(" - at `$")
        raise RequestInvalid(
            path.strip("`.") or "query", rule.replace("Expected", "must be")
        ) from error


@functools.cache
def _numbers(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Return the fields that are numbers. msgspec itself would take 1e3, 3.0 and "null" for one."""
    found = set()
    for field in msgspec.structs.fields(kind):
        told = msgspec.inspect.type_info(field.type)
        kinds = told.types if isinstance(told, msgspec.inspect.UnionType) else (told,)
        if any(isinstance(each, msgspec.inspect.IntType) for each in kinds):
            found.add(field.encode_name)
    return frozenset(found)


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

    A header's may stand in quotes, as draft-ietf-httpapi-idempotency-key-header has it, or without, as
    most clients send it. Raises RequestInvalid for one that could not be stored as it is.
    """
    return checked_key(request.headers.get("Idempotency-Key", ""), in_body)


def checked_key(in_header: str, in_body: str | None) -> str:
    """Return the key as `idempotency_key` does."""
    quoted = QUOTED.fullmatch(in_header)
    key = (ESCAPED.sub(r"\1", quoted[1]) if quoted else in_header) or in_body
    if not key:
        return ""
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
