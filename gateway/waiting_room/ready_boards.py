"""Boards as ready answers: given before the framework is woken, to everybody the same bytes."""

from typing import Final

from gateway.waiting_room.board import Board
from groundwork.clock import Clock
from groundwork.ready_answers import ReadyAnswers

BOARD_PATH: Final = "/api/sales/{sale}/status"
# Caches may keep the board for the second in which it is true.
BOARD_HEADERS: Final = {"Cache-Control": "public, max-age=1"}


class ReadyBoards:
    """Keeps every room's board as a ready answer: what `status` says, without asking it."""

    def __init__(self, answers: ReadyAnswers, clock: Clock) -> None:
        self._answers = answers
        self._clock = clock

    def show(self, sale_id: str, board: Board) -> None:
        """Answer with this board from now on."""
        self._answers.put(
            BOARD_PATH.format(sale=sale_id),
            BOARD_PATH,
            board.body,
            board.etag,
            {"Content-Type": "application/json", **BOARD_HEADERS},
            self._clock.now_ms(),
        )

    def take_down(self, sale_id: str) -> None:
        """The sale is gone."""
        self._answers.drop(BOARD_PATH.format(sale=sale_id))
