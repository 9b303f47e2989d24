"""Calls of the scripts that work on one event's seats."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, Final

from groundwork.errors import StoreUnavailable
from lua import Keys, KnownKeys, LuaScript
from lua.epochs import Epochs
from lua.keys import event_keys, event_log_key

# For each script, those of some hundred events on sale at one moment; half a kilobyte each.
KEYS_REMEMBERED_MAX: Final = 2_048
NO_KEYS: Final[Mapping[str, str]] = {}


@lru_cache(KEYS_REMEMBERED_MAX)
def _known_keys(script: LuaScript, event_id: str, epoch: int) -> KnownKeys:
    """Return the event's keys for the script."""
    known = {**event_keys(event_id), "log": event_log_key(event_id, epoch)}
    return script.known_keys(known)


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
    own = own_keys(epoch) if callable(own_keys) else own_keys
    return _known_keys(script, event_id, epoch).before(own or NO_KEYS)
