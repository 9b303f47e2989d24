"""Every refusal has one code, one status, and a line in the tree that says what it means."""

import dataclasses
import re
from http import HTTPStatus

import pytest

from groundwork import errors
from groundwork.errors import BookingError
from groundwork.problem_json import STATUS_OF


def refusals() -> list[type[BookingError]]:
    """All kinds, however deep."""
    found, open_kinds = [], [BookingError]
    while open_kinds:
        kinds = open_kinds.pop().__subclasses__()
        found += kinds
        open_kinds += kinds
    return [kind for kind in found if kind.__module__.partition(".")[0] != "test_refusals"]


def without_status(kinds: list[type[BookingError]]) -> set[str]:
    return {kind.__name__ for kind in kinds if kind not in STATUS_OF}


def test_every_refusal_has_a_status_and_nothing_else_has() -> None:
    assert without_status(refusals()) == set()
    assert STATUS_OF.keys() <= set(refusals())


def test_every_code_is_used_once_and_is_a_slug() -> None:
    codes = [kind.code for kind in refusals()]

    assert len(codes) == len(set(codes))
    assert [code for code in codes if not re.fullmatch(r"[a-z]+(-[a-z]+)*", code)] == []


def test_every_status_is_a_refusal() -> None:
    for kind, status in STATUS_OF.items():
        assert isinstance(status, HTTPStatus)
        assert 400 <= status < 600, kind


@pytest.mark.parametrize("kind", refusals(), ids=lambda kind: kind.__name__)
def test_every_refusal_is_in_the_tree_and_says_what_it_is(kind: type[BookingError]) -> None:
    assert kind.__doc__
    if kind.__module__ == errors.__name__:
        assert errors.__doc__
        assert re.search(rf"\b{kind.__name__}\b", errors.__doc__), "draw it in the tree"


@pytest.mark.parametrize("kind", refusals(), ids=lambda kind: kind.__name__)
def test_no_refusal_is_frozen(kind: type[BookingError]) -> None:
    refusal = kind(*(None for _ in dataclasses.fields(kind)))

    refusal.__traceback__ = None  # what contextlib does to an exception on its way through
    assert hash(refusal), "refusals are told apart by identity"


def test_a_forgotten_row_would_be_seen() -> None:
    class ForgottenRefusal(BookingError):
        """Not in the table."""

        code = "forgotten"

    assert without_status([*refusals(), ForgottenRefusal]) == {"ForgottenRefusal"}
