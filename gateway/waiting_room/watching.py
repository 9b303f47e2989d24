"""What is noticed of a fan when they ask for work and when they join; see bot_checks/signals.py."""

from collections.abc import Collection

from gateway import metrics
from gateway.app_keys import CLIENT_ADDRESSES, CLOCK, NETWORK_LISTS, SETTINGS, SIGNAL_NOTES
from gateway.bot_checks.challenge_pool import EASY, HARD
from gateway.bot_checks.client_headers import signals_of_headers
from gateway.bot_checks.limits import CHALLENGES
from gateway.bot_checks.proof_of_work import SolvedProof
from gateway.bot_checks.signals import HARDER_FROM, against, score
from gateway.edge.asking import spend
from groundwork.errors import StoreUnavailable
from groundwork.plain_request import Asking

# A single small oddity is no reason to write anything down about somebody.
NOTED_FROM = 15


def signals_of(request: Asking) -> frozenset[str]:
    """Return what the request's address and headers say."""
    address = request.app[CLIENT_ADDRESSES].of(request)
    found = request.app[NETWORK_LISTS].signals_of(address)
    is_secure = request.app[SETTINGS].is_secure
    return signals_of_headers(request.headers, is_secure=is_secure) | found


async def level_for(request: Asking, sale_id: str) -> int:
    """Return how much work to ask of the browser. Raises TooManyRequests."""
    is_odd = score(signals_of(request)) >= HARDER_FROM
    try:
        is_crowded = await spend(request, CHALLENGES, sale_id)
    except StoreUnavailable:
        is_crowded = False  # our failure makes nothing harder for fans
    return HARD if is_odd or is_crowded else EASY


def worth_noting(request: Asking, seen: Collection[str]) -> set[str]:
    """Return what speaks against a fan who joins, `seen` and what the request says, if it is enough."""
    found = {*signals_of(request), *seen}
    return found if score(found) >= NOTED_FROM else set()


async def note(request: Asking, sale_id: str, fan_id: str, codes: Collection[str]) -> None:
    """Write down signals of a fan, and count them."""
    for code in codes:
        metrics.SIGNALS.labels(sale_id, code).inc()
    await request.app[SIGNAL_NOTES].note(sale_id, fan_id, against(codes))


def signals_of_work(request: Asking, solved: SolvedProof, jkt: str | None) -> set[str]:
    """Return what the work for a join says."""
    found = set()
    if jkt is None:
        found.add("no-device-key")
    took_ms = request.app[CLOCK].now_ms() - solved.issued_at_ms
    # Below zero two processes have different clocks, and nobody can tell.
    if 0 <= took_ms < solved.ms_min:
        found.add("solved-too-fast")
    return found
