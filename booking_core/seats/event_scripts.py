"""Calls of the scripts that work on one event's seats."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from groundwork.errors import StoreUnavailable
from lua import Keys, LuaScript
from lua.epochs import Epochs
from lua.keys import event_keys, event_log_key

# For each script, those of some hundred events on sale at one moment; half a kilobyte each.
KEYS_REMEMBERED_MAX: Final = 2_048


@lru_cache(KEYS_REMEMBERED_MAX)
def _keys_of(
    script: LuaScript, event_id: str, epoch: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the event's keys in the order the script wants them, and the names of those after them."""
    known = {**event_keys(event_id), "log": event_log_key(event_id, epoch)}
    own = [name for name in script.key_names if name not in known]
    events = script.key_names[: len(script.key_names) - len(own)]
    return tuple(known[name] for name in events), tuple(own)


async def run_event_script(
    epochs: Epochs,
    script: LuaScript,
    event_id: str,
    args: Mapping[str, str | int],
    own_keys: Callable[[int], Mapping[str, str]] | None = None,
) -> list[Any]:
    """Return a script's answer; `own_keys` are those besides the event's, by epoch: what remembers it.

    In its header they come last. Raises StoreUnavailable.
    """

    def keys(epoch: int) -> Keys:
        known, names = _keys_of(script, event_id, epoch)
        return (*known, *map(own_keys(epoch).__getitem__, names)) if own_keys else known

    # What remembers its operation may be asked once more: a lost reply then finds what it did.
    tries = 1 if own_keys is None else 2
    while True:
        tries -= 1
        try:
            return await epochs.run(script, ("event", event_id), keys, args)
        except StoreUnavailable:
            if tries == 0:
                raise
