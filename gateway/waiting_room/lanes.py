"""Which lane a fan who joins belongs to: the one of their ticket, or the one that a code opens."""

from contextlib import suppress

from gateway import metrics
from gateway.app_keys import ACCESS_CODES, ALLOWANCES, CLIENT_ADDRESSES
from gateway.edge.credentials import find_ticket
from gateway.waiting_room.allowances import CODE_GUESSES
from gateway.waiting_room.line_records import GENERAL
from gateway.waiting_room.sales import Sale
from gateway.waiting_room.spent_proofs import spend_proof
from groundwork.errors import AccessCodeInvalid, StoreUnavailable
from groundwork.plain_request import Asking


async def lane_by_code(request: Asking, sale: Sale, fan_id: str, code: str, proof: str) -> str:
    """Return the lane the fan joins with a code: it is used where it opens a better one than theirs.

    `proof` names the work for this join. Raises AccessCodeInvalid, TooManyRequests: the fan keeps
    what they have then, and works anew for another code; BotCheckFailed for the work of somebody
    else, or for another code.
    """
    lane = lane_held(request, sale, fan_id)
    opened = await _redeem(request, sale.sale_id, fan_id, code, proof)
    lanes = sale.lane_ids
    # A code is made for a lane that the sale has, and lanes are never taken away.
    return min(lane, opened, key=lanes.index)


def lane_held(request: Asking, sale: Sale, fan_id: str) -> str:
    """Return the lane of the ticket that the fan has already, else the general line."""
    ticket = find_ticket(request, sale.sale_id)
    if ticket and ticket.fan_id == fan_id and ticket.lane in sale.lane_ids:
        return ticket.lane
    return GENERAL


async def _redeem(request: Asking, sale_id: str, fan_id: str, code: str, proof: str) -> str:
    """Use the code for the fan. Every try counts as a guess until the code turns out to be right.

    Each work is good for one code of one fan, right or wrong: a word that many know is not used up by
    one who works once, and nobody uses up the guesses of all without working for each.
    """
    await spend_proof(request, sale_id, proof, fan_id)
    tried = request.app[ACCESS_CODES].hash_of(sale_id, code).hex()
    await spend_proof(request, sale_id, f"{proof}:code", tried)
    allowances = request.app[ALLOWANCES]
    address = request.app[CLIENT_ADDRESSES].of(request)
    outcome = "guesses-used-up"
    try:
        await allowances.spend(CODE_GUESSES, sale_id, address)
        outcome = "failed"
        lane = await request.app[ACCESS_CODES].redeem(sale_id, code, fan_id)
        outcome = "redeemed"
    except AccessCodeInvalid as refusal:
        outcome = refusal.reason
        raise
    except StoreUnavailable:
        if outcome == "failed":  # counted, and nobody learned anything by it
            await _give_back(request, sale_id, address)
        raise
    finally:
        metrics.ACCESS_CODES.labels(sale_id, outcome).inc()
    await _give_back(request, sale_id, address)
    return lane


async def _give_back(request: Asking, sale_id: str, address: str) -> None:
    with suppress(StoreUnavailable):  # an allowance refills by itself
        await request.app[ALLOWANCES].give_back(CODE_GUESSES, sale_id, address)
