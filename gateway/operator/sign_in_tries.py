"""How often a password may be guessed: by whom from where, from one address, for one name.

Whoever has signed in before has a cookie that says so, and is counted by that alone: no flood of other
people's guesses, and no neighbour at the same address, keeps an operator out ("device cookies" in
OWASP's words). A cookie that was stolen buys as many guesses as an address has.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from gateway.bot_checks.asked_from import address_bounded
from gateway.operator.passwords import (
    FREE_TRIES,
    FREE_TRIES_OF_ADDRESS,
    FREE_TRIES_OF_NAME,
    NAME_WAIT_MAX_MS,
    WAIT_MAX_MS,
    wait_ms,
)
from groundwork.errors import TooManyRequests

HOUR_MS: Final = 60 * 60_000
# Wrong passwords are forgotten a day after the last one.
FORGET_WRONG_MS: Final = 24 * HOUR_MS
# From one season's sale to the next; a new password ends it at once.
KNOWN_MS: Final = 90 * 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Tries:
    """What one try is counted against. `is_shared`: a right password takes back no more than its own."""

    who: str
    free: int
    is_shared: bool = True
    wait_max_ms: int = WAIT_MAX_MS


def tries_of(name: str, address: str, known: str) -> Sequence[Tries]:
    """Return what a try is counted against; `known` is the cookie of a browser that we know, or ""."""
    if known:
        return (Tries(f"browser:{hashlib.sha256(known.encode()).hexdigest()}", FREE_TRIES, False),)
    whence = address_bounded(address)
    return (
        Tries(f"{name}@{whence}", FREE_TRIES, False),
        Tries(f"@{whence}", FREE_TRIES_OF_ADDRESS),
        Tries(f"name:{name}", FREE_TRIES_OF_NAME, wait_max_ms=NAME_WAIT_MAX_MS),
    )


async def count_try(db: psycopg.AsyncConnection[Any], tries: Iterable[Tries], now_ms: int) -> None:
    """Count a try as wrong until it is shown right: many at once are not checked for free.

    Within a transaction. Raises TooManyRequests, and then nothing is to be counted.
    """
    await db.execute(
        "DELETE FROM operator_wrong_passwords WHERE last_at_ms <= %s", (now_ms - FORGET_WRONG_MS,)
    )
    left_ms = 0
    for each in sorted(
        tries, key=lambda each: each.who
    ):  # in one order, so that none wait for ever
        cursor = await db.execute(
            """INSERT INTO operator_wrong_passwords AS tries VALUES (%s, 1, %s)
                ON CONFLICT (who) DO UPDATE SET wrong = tries.wrong + 1
                RETURNING wrong, last_at_ms""",
            (each.who, now_ms),
        )
        row: Sequence[Any] | None = await cursor.fetchone()
        assert row is not None
        left_ms = max(left_ms, row[1] + wait_ms(row[0] - 1, each.free, each.wait_max_ms) - now_ms)
        await db.execute(
            "UPDATE operator_wrong_passwords SET last_at_ms = %s WHERE who = %s", (now_ms, each.who)
        )
    if left_ms > 0:
        raise TooManyRequests(retry_after=-(-left_ms // 1000))


async def count_right(db: psycopg.AsyncConnection[Any], tries: Iterable[Tries]) -> None:
    """Take back a try that was right; what was nobody else's is forgiven as a whole."""
    for each in sorted(tries, key=lambda each: each.who):
        if each.is_shared:
            await db.execute(
                "UPDATE operator_wrong_passwords SET wrong = greatest(0, wrong - 1) WHERE who = %s",
                (each.who,),
            )
        else:
            await db.execute("DELETE FROM operator_wrong_passwords WHERE who = %s", (each.who,))


async def forget_name(db: psycopg.AsyncConnection[Any], name: str) -> None:
    """Forget all guesses for a name: its password is another one now."""
    await db.execute("DELETE FROM operator_wrong_passwords WHERE who = %s", (f"name:{name}",))


def known_browser(password_hash: str, now_ms: int) -> str:
    """Return what a browser keeps to be known by: good for the operator who has this password."""
    return f"{now_ms}.{_mac(password_hash, str(now_ms))}"


def is_known(text: str, password_hash: str, now_ms: int) -> bool:
    """Say whether a browser has signed in with this password before, not too long ago."""
    at_ms, _, mac = text.partition(".")
    if not (at_ms.isascii() and at_ms.isdigit() and len(at_ms) <= 15):
        return False
    wanted = _mac(password_hash, at_ms)
    is_ours = hmac.compare_digest(mac.encode("utf-8", "replace"), wanted.encode())
    return is_ours and 0 <= now_ms - int(at_ms) <= KNOWN_MS


def _mac(password_hash: str, at_ms: str) -> str:
    # The hash has a salt that nobody outside knows: no two operators have the same, and the cookie helps
    # nobody to guess the password.
    return hmac.digest(password_hash.encode(), f"known browser {at_ms}".encode(), "sha256").hex()
