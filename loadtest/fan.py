"""One fan's life, from the front page to the ticket: everything over HTTP, as a browser does it."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gevent.threadpool import ThreadPool  # type: ignore[import-untyped]
from locust.contrib.fasthttp import FastHttpSession

from loadtest.asking import Answer, Asking, GivenUp, Surprised
from loadtest.device_key import DeviceKey
from loadtest.history import History
from loadtest.proof_of_work import solve
from loadtest.shopper import Shopper, VisitOver

# A challenge can run out, or be taken as spent after a repeated join; more is our fault.
JOINS_MAX = 3
# Longer than any rehearsal: whoever waits for so long has found something out.
WAIT_SECONDS_MAX = 3600.0
# The gate says in whole seconds when to come back; at least this long between two tries.
ADMIT_AGAIN_SECONDS = 0.5
ADMIT_TRIES_MAX = 60
# How a fan looks at a page before clicking on; scaled by --think.
THINK_SECONDS = (0.1, 1.0)
SEARCH_SHARE = 0.3

OVER = ("sold_out", "closed")
# Threads of their own for the arithmetic: those of gevent look up names besides, and behind the work of
# others a fan's first page seemed to take five seconds. Two, for there is little more to compute with.
SOLVERS = ThreadPool(2)


@dataclass(frozen=True)
class Rehearsal:
    """What all fans of the run share."""

    base_url: str
    sale_id: str
    history: History
    rng: random.Random
    think: float
    # Called with the seconds from joining to being called.
    note_wait: Callable[[float], None]


class Fan:
    """A new browser: a new device key, no cookies, no place yet."""

    def __init__(self, session: FastHttpSession, rehearsal: Rehearsal) -> None:
        session.cookiejar.clear()
        self._rehearsal = rehearsal
        self._asking = Asking(session, rehearsal.history, rehearsal.rng)
        self._key = DeviceKey()
        self._sale_url = f"/api/sales/{rehearsal.sale_id}"
        self._ticket = ""

    def live(self) -> None:
        """Go the whole way once; ends early when the sale is over or patience is."""
        try:
            self._arrive()
            joined = self._join()
            if joined is None:
                return
            board = self._wait(joined)
            admission_pass = self._admit() if board else None
            if board and admission_pass:
                self._shop(board, admission_pass)
            self._leave()
        except (GivenUp, Surprised):
            return  # noted where it happened; the next fan comes

    def _arrive(self) -> None:
        self._asking.ask("/", "/")
        if self._rehearsal.rng.random() < SEARCH_SHARE:
            self._asking.ask("/api/events/search", "/api/events/search?q=demo&page=1")
        board = self._board()
        event_id = self._rehearsal.rng.choice(board["events"])
        self._asking.ask("/events/[event]", f"/events/{event_id}")
        self._asking.ask("/sales/[sale]", f"/sales/{self._rehearsal.sale_id}")
        self._think()

    def _join(self) -> Mapping[str, Any] | None:
        """Return what the waiting room answered, or None when the sale takes nobody any more."""
        url = f"{self._sale_url}/join"
        for _ in range(JOINS_MAX):
            challenge = self._asking.ask(
                "/api/sales/[sale]/challenge", f"{self._sale_url}/challenge?jkt={self._key.jkt}"
            )
            # In a thread: half a second of arithmetic must not stop the other fans.
            altcha = SOLVERS.apply(solve, (challenge.body,))
            answer = self._asking.ask(
                "/api/sales/[sale]/join",
                url,
                method="POST",
                body={"altcha": altcha},
                refusals=(403, 409, 410),
                headers=lambda: {"DPoP": self._proof("POST", url)},
            )
            if answer.is_good:
                self._ticket = answer.body["ticket"]
                return dict(answer.body)
            if answer.status != 403:
                return None
        raise GivenUp("join")

    def _wait(self, joined: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the board that called the fan's place, or None when waiting became pointless."""
        place: int | None = joined["place"]
        joined_at = time.monotonic()
        while time.monotonic() < joined_at + WAIT_SECONDS_MAX:
            board = self._board()
            if board["phase"] in OVER:
                return None
            if place is None and board["phase"] != "before":
                place = self._place()
            if place is not None and board["serving"] >= place:
                self._rehearsal.note_wait(time.monotonic() - joined_at)
                return board
            poll = board["poll"]
            jitter_ms = self._rehearsal.rng.uniform(0, poll["jitter_ms"])
            time.sleep((poll["after_ms"] + jitter_ms) / 1000)
        return None

    def _board(self) -> Mapping[str, Any]:
        answer = self._asking.ask("/api/sales/[sale]/status", f"{self._sale_url}/status")
        return dict(answer.body)

    def _place(self) -> int | None:
        answer = self._asking.ask(
            "/api/sales/[sale]/place", f"{self._sale_url}/place", headers=self._as_waiting
        )
        place: int | None = answer.body["place"]
        return place

    def _admit(self) -> str | None:
        """Return the admission pass, or None when the place cannot be claimed any more."""
        url = f"{self._sale_url}/admit"
        for _ in range(ADMIT_TRIES_MAX):
            answer = self._asking.ask(
                "/api/sales/[sale]/admit",
                url,
                method="POST",
                body={"ticket": self._ticket},
                refusals=(409, 410, 425),
                headers=lambda: {"DPoP": self._proof("POST", url)},
            )
            if answer.is_good:
                return str(answer.body["pass"])
            if answer.status == 410:
                return None
            time.sleep(max(ADMIT_AGAIN_SECONDS, _retry_after(answer)))
        raise GivenUp("admit")

    def _shop(self, board: Mapping[str, Any], admission_pass: str) -> None:
        shopper = Shopper(
            self._asking,
            self._rehearsal.history,
            self._rehearsal.rng,
            ticket=self._ticket,
            admission_pass=admission_pass,
            prove=self._proof,
            think=self._think,
        )
        try:
            shopper.shop(self._rehearsal.rng.choice(board["events"]))
        except VisitOver:
            return  # sent back to the waiting room: allowed, and counted with the answers

    def _leave(self) -> None:
        self._asking.ask(
            "/api/sales/[sale]/leave",
            f"{self._sale_url}/leave",
            method="POST",
            refusals=(401, 403),
            headers=self._as_waiting,
        )

    def _as_waiting(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._ticket}"}

    def _proof(self, method: str, path: str) -> str:
        return self._key.proof(method, f"{self._rehearsal.base_url}{path}")

    def _think(self) -> None:
        time.sleep(self._rehearsal.rng.uniform(*THINK_SECONDS) * self._rehearsal.think)


def _retry_after(answer: Answer) -> float:
    return float(answer.body.get("retry_after", 0)) if isinstance(answer.body, dict) else 0.0
