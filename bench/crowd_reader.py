"""Fans with open streams in a process of their own: bare sockets, so that readers cost less than the server.

`python -m bench.crowd_reader PORT SOURCE COUNT HEAD_FILE`: opens COUNT streams to the port from the
address SOURCE, says "open" on a line, reads until its input is closed, and then writes as JSON when
boards came: for each number of a board, and for each mark, how many fans had it in which hundredth
of a second of the machine's monotonic clock.
"""

import json
import select
import socket
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

SEQ = b"\nid: "
# What the bench writes into the operator's message: a change that fans can be seen to learn of.
MARK = b"news-"
# Opened before their answers are read: the server's backlog is longer.
WAVE = 100
OPEN_SECONDS_MAX = 300.0
# Linux' number; Python names it from 3.12 on.
IP_BIND_ADDRESS_NO_PORT = 24
READ_BYTES = 65_536


class Readers:
    """All streams of this process."""

    def __init__(self, port: int, source: str, head: bytes) -> None:
        self._port, self._source, self._head = port, source, head
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._marks: dict[int, bytes] = {}
        self.answered = 0
        self.lost = 0
        self.boards: defaultdict[bytes, Counter[int]] = defaultdict(Counter)

    def open(self, count: int) -> None:
        """Open so many streams and wait until each was answered.

        Boards are read meanwhile: what nobody takes fills the memory the kernel has for all of TCP,
        and then nobody can send.
        """
        until = time.monotonic() + OPEN_SECONDS_MAX
        for number in range(1, count + 1):
            opened = socket.socket()
            # A port of this address is chosen when the other end is known: else by a search of all.
            opened.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            opened.bind((self._source, 0))
            opened.connect(("127.0.0.1", self._port))
            opened.setblocking(False)
            opened.send(self._head)
            self._sockets[opened.fileno()] = opened
            self._poll.register(opened.fileno(), select.EPOLLIN)
            while self.answered < number - WAVE:
                assert time.monotonic() < until, f"{self.answered} of {count} streams were answered"
                self.read(0.05)
        while self.answered < count:
            assert time.monotonic() < until, f"{self.answered} of {count} streams were answered"
            self.read(0.05)

    def read(self, seconds: float) -> None:
        """Take what has come, or wait for so long."""
        for fileno, _ in self._poll.poll(seconds):
            try:
                data = self._sockets[fileno].recv(READ_BYTES)
            except BlockingIOError:
                continue
            except ConnectionError:
                data = b""
            if not data:
                self.lost += 1
                self._poll.unregister(fileno)
                self._sockets.pop(fileno).close()
            else:
                self._note(fileno, data)

    def _note(self, fileno: int, data: bytes) -> None:
        bucket = int(time.monotonic() * 100)
        if fileno not in self._marks:
            assert data.startswith(b"HTTP/1.1 200"), data[:300]
            self._marks[fileno] = b""
            self.answered += 1
        at = data.rfind(SEQ)
        if at >= 0:
            self.boards[data[at + len(SEQ) : data.index(b"\n", at + 1)]][bucket] += 1
        at = data.rfind(MARK)
        if at >= 0:
            mark = data[at : at + len(MARK) + 1]
            if mark != self._marks[fileno]:
                self._marks[fileno] = mark
                self.boards[mark][bucket] += 1

    def forget(self) -> None:
        """Count from now on: what came while others were still opening says nothing."""
        self.boards.clear()


def main() -> None:
    """Open, read, tell."""
    port, source, count, head_file = sys.argv[1:]
    readers = Readers(int(port), source, Path(head_file).read_bytes())
    readers.open(int(count))
    print("open", flush=True)
    stdin = sys.stdin.fileno()
    poll = select.poll()
    poll.register(stdin, select.POLLIN)
    while True:
        readers.read(0.1)
        if poll.poll(0):
            line = sys.stdin.readline()
            if not line:
                break
            readers.forget()
    told = {name.decode(): dict(counts) for name, counts in readers.boards.items()}
    print(json.dumps({"lost": readers.lost, "boards": told}))


if __name__ == "__main__":
    main()
