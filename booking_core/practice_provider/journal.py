"""The provider's memory across restarts: a file to which every change is added."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from booking_core.practice_provider.intents import Intent


class IntentLine(msgspec.Struct, frozen=True, tag="intent"):
    """An intent as it became; the last line of an intent counts."""

    intent: Intent


class AnswerLine(msgspec.Struct, frozen=True, tag="answer"):
    """What the first request with an idempotency key was answered."""

    key: str
    fingerprint: str
    status: int
    body: str
    request_id: str
    answered_at_ms: int


Line = IntentLine | AnswerLine

ENCODER: Final = msgspec.json.Encoder()
DECODER: Final = msgspec.json.Decoder(Line)


class JournalBroken(Exception):
    """A line that is not the last one cannot be read: the file was changed by something else."""


class Journal:
    """Lines added in memory and written by whoever flushes first, in one go."""

    def __init__(self, file: BinaryIO | None, writer: ThreadPoolExecutor) -> None:
        self._file = file
        self._writer = writer
        self._lines: list[bytes] = []
        self._writing = asyncio.Lock()

    def add(self, line: Line) -> None:
        """Remember a line; `flush` writes it."""
        if self._file is not None:
            self._lines.append(ENCODER.encode(line) + b"\n")

    async def flush(self) -> None:
        """Return when every line added so far is with the operating system.

        Lines of many requests go out in one write, so that waiting costs little under load.
        """
        if self._file is None:
            return
        async with self._writing:  # whoever has it may be writing lines of ours: wait for it too
            if not self._lines:
                return
            lines, self._lines = self._lines, []
            # Shielded: who stops waiting must not take the lines of others with them.
            await asyncio.shield(
                asyncio.get_running_loop().run_in_executor(
                    self._writer, _write, self._file, b"".join(lines)
                )
            )


@asynccontextmanager
async def open_journal(path: str) -> AsyncIterator[tuple[Journal, list[Line]]]:
    """Open the journal and hand out what it remembers; "" is a journal that forgets everything.

    Raises JournalBroken, or OSError when the file cannot be used.
    """
    # One thread: lines reach the file in the order in which they were added.
    with ThreadPoolExecutor(1, thread_name_prefix="practice-journal") as writer:
        if not path:
            yield Journal(None, writer), []
            return
        loop = asyncio.get_running_loop()
        file, lines = await loop.run_in_executor(writer, _open, Path(path))
        journal = Journal(file, writer)
        try:
            yield journal, lines
        finally:
            await journal.flush()
            await loop.run_in_executor(writer, file.close)


def _open(path: Path) -> tuple[BinaryIO, list[Line]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines: list[Line] = []
    whole = 0
    file = path.open("a+b")
    file.seek(0)
    for number, text in enumerate(file, start=1):
        if not text.endswith(b"\n"):
            break  # the process died while writing it: nobody was told that it happened
        try:
            lines.append(DECODER.decode(text))
        except msgspec.MsgspecError as error:
            file.close()
            raise JournalBroken(f"{path}:{number}: {error}") from error
        whole += len(text)
    file.truncate(whole)
    return file, lines


def _write(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()
