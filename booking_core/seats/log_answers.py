"""What the store answers who reads an event's log, in either shape the protocol has."""


def stock_of(answer: object) -> dict[str, int]:
    """Return the free stock by tier out of a hash, in either shape the protocol has."""
    if isinstance(answer, dict):
        return {str(tier): int(free) for tier, free in answer.items()}
    assert isinstance(answer, list)
    return {str(t): int(free) for t, free in zip(answer[0::2], answer[1::2], strict=True)}


def entries_of(found: object) -> list[tuple[str, dict[str, str]]]:
    """Return the entries of the one stream asked for, in either shape the protocol has."""
    if isinstance(found, dict) and found:
        batches = next(iter(found.values()))
        # RESP3 wraps the list of entries in another list.
        return list(batches[0]) if batches and isinstance(batches[0], list) else list(batches)
    if isinstance(found, list) and found:
        return list(found[0][1])
    return []
