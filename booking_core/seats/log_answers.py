"""What the store answers who reads an event's log, in either shape the protocol has."""

from collections.abc import Sequence
from typing import Any


def stock_of(answer: object) -> dict[str, int]:
    """Return the free stock by tier out of a hash, in either shape the protocol has."""
    if isinstance(answer, dict):
        return {str(tier): int(free) for tier, free in answer.items()}
    assert isinstance(answer, list)
    return {str(t): int(free) for t, free in zip(answer[0::2], answer[1::2], strict=True)}


# An entry's id, and its fields as names and values in turn.
Entry = tuple[str, Sequence[str]]


def entries_of(response: Any, **_: Any) -> Sequence[Entry]:
    """Return the entries of the one stream asked for, in either shape the protocol has."""
    if not response:
        return ()
    is_by_key = isinstance(response, dict)
    entries: Sequence[Entry] = next(iter(response.values())) if is_by_key else response[0][1]
    return entries


def value_of(name: str, fields: Sequence[str]) -> str:
    """Return the value of a field, which an entry has. No value is called as a field is."""
    return fields[fields.index(name) + 1]
