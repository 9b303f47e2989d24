"""Proofs of work and of waiting count once, and for one fan; join_line.lua goes by the same keys."""

from gateway.app_keys import EPOCHS
from gateway.waiting_room.line import SPENT_MS
from groundwork.errors import BotCheckFailed
from groundwork.plain_request import Asking
from lua.keys import spent_key


async def spend_proof(request: Asking, sale_id: str, nonce: str, fan_id: str) -> bool:
    """Spend a proof for the fan, and say whether this call did; a repeat of theirs is the same.

    Raises BotCheckFailed when somebody else has spent it, StoreUnavailable.
    """
    store = request.app[EPOCHS].store
    key = spent_key(sale_id, f"proof:{nonce}")
    if await store.call("SET", key, fan_id, "NX", "PX", SPENT_MS):
        return True
    if await store.call("GET", key) != fan_id:
        raise BotCheckFailed("replayed")
    return False


async def give_proof_back(request: Asking, sale_id: str, nonce: str) -> None:
    """Let a proof count again that was spent for nothing. Raises StoreUnavailable."""
    await request.app[EPOCHS].store.call("DEL", spent_key(sale_id, f"proof:{nonce}"))
