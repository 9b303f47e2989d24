"""Calls of the scripts that work on one event's seats."""

from collections.abc import Callable, Mapping
from typing import Any

from groundwork.errors import StoreUnavailable
from lua import LuaScript
from lua.epochs import Epochs
from lua.keys import event_keys, event_log_key


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
        own = own_keys(epoch) if own_keys is not None else {}
        return {**event_keys(event_id), "log": event_log_key(event_id, epoch), **own}

    # What remembers its operation may be asked once more: a lost reply then finds what it did.
    tries = 1 if own_keys is None else 2
    while True:
        tries -= 1
        try:
            return await epochs.run(script, ("event", event_id), keys, args)
        except StoreUnavailable:
            if tries == 0:
                raise
