"""What operations are called: by its name a repeat finds what the first one led to.

The first word says which call it is, and whether a fan or the shop makes it. So no key of a fan, whatever
they write there, is the name of an operation of another kind, nor of the shop's own.
"""


def fans_hold(fan_id: str, key: str) -> str:
    """Return what a fan's hold is called; with the fan in it, nobody learns of another's by guessing."""
    return f"hold:{fan_id}:{key}"


def fans_swap(reservation_id: str, fan_id: str, key: str) -> str:
    """Return what a fan's swap of a hold is called: the same key for another hold is another operation."""
    return f"swap:{reservation_id}:{fan_id}:{key}"


def fans_extension(reservation_id: str, fan_id: str, key: str) -> str:
    """Return what a fan's extension of a hold is called."""
    return f"extend:{reservation_id}:{fan_id}:{key}"


def shops_hold(name: str) -> str:
    """Return what a hold is called that the shop makes for a fan of its own accord."""
    return f"shop:{name}"
