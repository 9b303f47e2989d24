"""Calls of the scripts that work on one event's seats."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
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
    return script.split_keys({**event_keys(event_id), "log": event_log_key(event_id, epoch)})


OwnKeys = Mapping[str, str] | Callable[[int], Mapping[str, str]]


async def run_event_script(
    epochs: Epochs,
    script: LuaScript,
    event_id: str,
    args: Mapping[str, str | int],
    own_keys: OwnKeys | None = None,
) -> list[Any]:
    """Return a script's answer; `own_keys` are those besides the event's: what remembers it.

    In its header they come last. Those that name the epoch are given as a function of it. Raises
    StoreUnavailable.
    """
    scope, keys = ("event", event_id), partial(_all_keys, script, event_id, own_keys)
    try:
        return await epochs.run(script, scope, keys, args)
    except StoreUnavailable:
        # What remembers its operation may be asked once more: a lost reply then finds what it did.
        if own_keys is None:
            raise
    return await epochs.run(script, scope, keys, args)


def _all_keys(script: LuaScript, event_id: str, own_keys: OwnKeys | None, epoch: int) -> Keys:
    known, names = _keys_of(script, event_id, epoch)
    if own_keys is None:
        return known
    own = own_keys(epoch) if callable(own_keys) else own_keys
    return (*known, *[own[name] for name in names])
