"""Every request means one thing to us and to a shop behind us, or it is refused and nobody reads on."""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import h11
import pytest

from tests.origin.gate_in_front import gate_to
from tests.support.opening import open_shop
from tests.support.shop import Shop

CORPUS: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("wire_corpus.toml").read_text("utf-8")
)
AFTER = b"GET /after HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
# What the connection is given to be answered and closed in. A refusal closes at once.
PATIENCE_SECONDS = 5.0
# In the place of a status.
LEFT_OPEN = 0


class OtherReader:
    """A shop that reads HTTP with another library than ours, and keeps what it understood."""

    def __init__(self) -> None:
        self.understood: list[list[str]] = []
        self.errors: list[str] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = h11.Connection(h11.SERVER)
        method, target, body = "", "", b""
        try:
            while True:
                event = wire.next_event()
                if event is h11.NEED_DATA:
                    wire.receive_data(await reader.read(65_536))
                elif isinstance(event, h11.Request):
                    method, target, body = event.method.decode(), event.target.decode(), b""
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    self.understood.append([method, target, body.decode("latin-1")])
                    writer.write(
                        wire.send(h11.Response(status_code=200, headers=[("Content-Length", "2")]))
                        or b""
                    )
                    writer.write(
                        (wire.send(h11.Data(data=b"ok")) or b"")
                        + (wire.send(h11.EndOfMessage()) or b"")
                    )
                    if wire.our_state is h11.MUST_CLOSE:
                        break
                    wire.start_next_cycle()
                elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                    break
        except h11.RemoteProtocolError as error:
            self.errors.append(str(error))
        except ConnectionError:
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.handle, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()


async def statuses(url: str, content: bytes, *, piece: int = 0) -> list[int]:
    """The status of every answer until the connection was closed from the other side."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    found: list[int] = []
    received = b""
    is_closed = True
    try:
        for at in range(0, len(content), piece or len(content)):
            writer.write(content[at : at + (piece or len(content))])
            if piece:
                await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while part := await reader.read(65_536):
                received += part
    except ConnectionResetError:
        pass  # closed, with something of ours unread
    except TimeoutError:
        is_closed = False
    finally:
        writer.transport.abort()
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        found.append(status)
        lines = [line.partition(b":") for line in head.lower().split(b"\r\n")[1:]]
        length = {name: int(value) for name, _, value in lines if name == b"content-length"}
        received = rest[length.get(b"content-length", 0) :]
    return found if is_closed else [*found, LEFT_OPEN]


def content_of(name: str) -> bytes:
    content: bytes = CORPUS[name]["bytes"].encode("latin-1")
    return content + AFTER


async def through_the_gate(name: str, piece: int) -> object:
    """What went wrong with a request, None if nothing did."""
    means = CORPUS[name]["means"]
    shop = OtherReader()
    async with shop.running() as origin, gate_to(origin) as (url, _):
        answers = await statuses(url, content_of(name), piece=piece)
    if shop.understood != means or shop.errors:
        return shop.understood, shop.errors, answers
    wanted = answers == [200] * len(means)
    if not means:
        wanted = len(answers) <= 1 and all(400 <= status < 500 for status in answers)
    return None if wanted else answers


@pytest.mark.parametrize("piece", [0, 7], ids=["at once", "in pieces"])
async def test_a_shop_behind_us_reads_what_we_read(piece: int) -> None:
    found = await asyncio.gather(*(through_the_gate(name, piece) for name in CORPUS))
    assert {name: wrong for name, wrong in zip(CORPUS, found, strict=True) if wrong} == {}


@pytest.fixture(scope="module")
async def whole(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    async with open_shop(redis_url, database_dsn, open_dir) as shop:
        yield shop


async def test_the_gateway_alone_reads_the_same(whole: Shop) -> None:
    answered = await asyncio.gather(*(statuses(whole.url, content_of(name)) for name in CORPUS))
    wrong: dict[str, object] = {}
    for (name, entry), answers in zip(CORPUS.items(), answered, strict=True):
        right = len(answers) == len(entry["means"]) if entry["means"] else len(answers) <= 1
        if not right or not all(200 <= status < 500 for status in answers):
            wrong[name] = answers
    assert wrong == {}
