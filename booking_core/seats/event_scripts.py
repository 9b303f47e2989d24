"""Calls of the scripts that work on one event's seats."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from groundwork.errors import StoreUnavailable
from lua import LuaScript
from lua.epochs import Epochs
from lua.keys import event_keys, event_log_key

# Events on sale at one moment, and those that were; a kilobyte each.
EVENTS_REMEMBERED_MAX: Final = 1_024


@lru_cache(EVENTS_REMEMBERED_MAX)
def _keys_of(event_id: str, epoch: int) -> Mapping[str, str]:
    return {**event_keys(event_id), "log": event_log_key(event_id, epoch)}


async def run_event_script(
    epochs: Epochs,
    script: LuaScript,
    event_id: str,
    args: Mapping[str, str | int],
    own_keys: Callable[[int], Mapping[str, str]] | None = None,
) -> list[Any]:
    """Return a script's answer; `own_keys` are those besides the event's, by epoch: what remembers it.

    Raises StoreUnavailable.
    """

    def keys(epoch: int) -> Mapping[str, str]:
        known = _keys_of(event_id, epoch)
        return known if own_keys is None else {**known, **own_keys(epoch)}

    # What remembers its operation may be asked once more: a lost reply then finds what it did.
    tries = 1 if own_keys is None else 2
    while True:
        tries -= 1
        try:
            return await epochs.run(script, ("event", event_id), keys, args)
        except StoreUnavailable:
            if tries == 0:
                raise
