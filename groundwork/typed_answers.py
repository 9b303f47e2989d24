"""Answers of the API whose types say what is in them: the published document is written from these."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

import msgspec
from aiohttp import web

Content = TypeVar("Content")

JSON: Final = "application/json"
OCTETS: Final = "application/octet-stream"
# What is somebody's own is kept by no cache.
NO_STORE: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class Encoded(Generic[Content]):
    """The JSON of some content as bytes, made before: many are answered with it, or it is a repeat."""

    body: bytes


class Json(web.Response, Generic[Content]):
    """200 with JSON; by default no cache keeps it."""

    documented_status: ClassVar[int] = 200
    media_type: ClassVar[str] = JSON

    def __init__(
        self, content: Content | Encoded[Content], headers: Mapping[str, str] = NO_STORE
    ) -> None:
        body = content.body if isinstance(content, Encoded) else msgspec.json.encode(content)
        super().__init__(
            body=body, status=self.documented_status, content_type=JSON, headers=headers
        )


class Created(Json[Content]):
    """201 with JSON."""

    documented_status = 201


class Accepted(Json[Content]):
    """202 with JSON: it is under way."""

    documented_status = 202


class NoContent(web.Response):
    """204: it was done, and there is nothing to say."""

    documented_status: ClassVar[int] = 204

    def __init__(self) -> None:
        super().__init__(status=204, headers=NO_STORE)


class NotModified(web.Response):
    """304: the asker has it already."""

    documented_status: ClassVar[int] = 304

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(status=304, headers=headers)


class Octets(web.Response):
    """200 with bytes."""

    documented_status: ClassVar[int] = 200
    media_type: ClassVar[str] = OCTETS

    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(body=body, content_type=OCTETS, headers=headers)


class OctetStream(web.StreamResponse):
    """200 with so many bytes, to be written one part after the other."""

    documented_status: ClassVar[int] = 200
    media_type: ClassVar[str] = OCTETS

    def __init__(self, length: int, headers: Mapping[str, str]) -> None:
        super().__init__(headers=headers)
        self.content_type = OCTETS
        self.content_length = length
