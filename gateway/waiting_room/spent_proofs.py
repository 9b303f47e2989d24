"""Proofs of work and of waiting count once, and for one fan; join_line.lua goes by the same keys."""

from contextlib import suppress

from gateway.app_keys import ALLOWANCES, CLIENT_ADDRESSES, EPOCHS
from gateway.waiting_room.allowances import Allowance
from gateway.waiting_room.line import SPENT_MS
from groundwork.errors import BookingError, BotCheckFailed, StoreUnavailable
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


async def spend_wait(
    request: Asking, allowance: Allowance, sale_id: str, nonce: str, fan_id: str
) -> None:
    """Spend a wait token for the fan and, the first time, what waiting is allowed.

    In this order: a token that is sent a thousand times takes from everybody's allowance once. Raises
    BotCheckFailed when somebody else has spent it; TooManyRequests, and then it still counts.
    """
    if not await spend_proof(request, sale_id, nonce, fan_id):
        return
    try:
        address = request.app[CLIENT_ADDRESSES].of(request)
        await request.app[ALLOWANCES].spend(allowance, sale_id, address)
    except BookingError:
        await forgive_wait(request, sale_id, nonce)
        raise


async def forgive_wait(request: Asking, sale_id: str, nonce: str) -> None:
    """Let a wait token count again that was of no use: who sends it again may have another name."""
    with suppress(StoreUnavailable):
        await request.app[EPOCHS].store.call("DEL", spent_key(sale_id, f"proof:{nonce}"))
