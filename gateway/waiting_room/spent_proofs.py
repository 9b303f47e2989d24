"""Proofs of work and of waiting count once, and for one fan; join_line.lua goes by the same keys."""

from aiohttp import web

from gateway.app_keys import EPOCHS
from gateway.waiting_room.line import SPENT_MS
from groundwork.errors import BotCheckFailed
from lua.keys import spent_key


async def spend_proof(request: web.Request, sale_id: str, nonce: str, fan_id: str) -> bool:
    """Spend a proof for the fan, and say whether this call did; a repeat of theirs is the same.

    Raises BotCheckFailed when somebody else has spent it, StoreUnavailable.
    """
    store = request.config_dict[EPOCHS].store
    key = spent_key(sale_id, f"proof:{nonce}")
    if await store.call("SET", key, fan_id, "NX", "PX", SPENT_MS):
        return True
    if await store.call("GET", key) != fan_id:
        raise BotCheckFailed("replayed")
    return False


async def give_proof_back(request: web.Request, sale_id: str, nonce: str) -> None:
    """Let a proof count again that was spent for nothing. Raises StoreUnavailable."""
    await request.config_dict[EPOCHS].store.call("DEL", spent_key(sale_id, f"proof:{nonce}"))
