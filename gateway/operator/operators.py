"""Operators and how they show who they are: passwords, sessions, API tokens. Only hashes are kept."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from gateway.operator.operator_log import Doer, OperatorLog
from gateway.operator.passwords import Passwords
from gateway.operator.policies import SCOPES, Needs, Role
from gateway.operator.sign_in_tries import (
    HOUR_MS,
    count_right,
    count_try,
    forget_name,
    is_known,
    known_browser,
    tries_of,
)
from groundwork.clock import Clock, TokenSource
from groundwork.edge_errors import NotSignedIn
from groundwork.errors import RequestInvalid
from groundwork.postgres import Pool, connection

# A desk that was left is safe soon; a sale's day is one session (OWASP ASVS 5.0, V7.3).
IDLE_MS: Final = HOUR_MS // 2
SESSION_MS: Final = 12 * HOUR_MS
# Written down this often at most: a page that asks every second is not a write a second.
SEEN_EVERY_MS: Final = 30_000
SECRET_BYTES: Final = 32
TOKEN_PREFIX: Final = "onsale_"  # noqa: S105 (what makes a token found where it should not be)
TOKEN_DAYS_MAX: Final = 366
# As many as a console has buttons for one; the text goes into the log.
PURPOSE_CHARACTERS_MAX: Final = 100
RANK: Final = {"viewer": 0, "operator": 1, "admin": 2}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, with what they may."""

    operator: str
    role: Role
    by_what: str
    # None: a session, which may whatever the role may.
    scopes: frozenset[str] | None = None

    def may(self, needs: Needs) -> bool:
        """Say whether a policy lets them."""
        if RANK[self.role] < RANK[needs.role]:
            return False
        return self.scopes is None or (needs.scope is not None and needs.scope in self.scopes)

    @property
    def doer(self) -> Doer:
        """Who they are for the log."""
        return Doer(self.operator, self.by_what)


class Operators:
    """The accounts in PostgreSQL."""

    def __init__(self, pool: Pool, clock: Clock, names: TokenSource) -> None:
        self._pool = pool
        self._clock = clock
        self._names = names
        self._passwords = Passwords()
        self.log = OperatorLog(pool, clock)

    async def add(self, doer: Doer, name: str, role: Role, password: str) -> None:
        """Add an operator, or give one a new role and password, which ends their sessions and tokens.

        Raises PasswordWeak, RequestInvalid.
        """
        if not is_name(name):
            raise RequestInvalid("operator", "must be lower case letters, digits, dots and dashes")
        kept = await self._passwords.hashed(password)
        async with connection(self._pool) as db, db.transaction():
            await db.execute(
                """INSERT INTO operators (operator, role, password_hash, added_at_ms)
                    VALUES (%s, %s, %s, %s) ON CONFLICT (operator) DO UPDATE SET
                    role = excluded.role, password_hash = excluded.password_hash,
                    removed_at_ms = NULL""",
                (name, role, kept, self._clock.now_ms()),
            )
            await self._end_all(db, name)
            await forget_name(db, name)
            await self.log.add_within(db, doer, "add-operator", name, "", {"role": role})

    async def remove(self, doer: Doer, name: str) -> bool:
        """Let an operator in no more, by session or token; say whether there was one."""
        if not is_name(name):
            return False
        async with connection(self._pool) as db, db.transaction():
            cursor = await db.execute(
                """UPDATE operators SET removed_at_ms = %s
                    WHERE operator = %s AND removed_at_ms IS NULL""",
                (self._clock.now_ms(), name),
            )
            if cursor.rowcount:
                await self._end_all(db, name)
                await self.log.add_within(db, doer, "remove-operator", name, "", {})
            return cursor.rowcount > 0

    async def _end_all(self, db: psycopg.AsyncConnection[Any], name: str) -> None:
        """End the operator's sessions and tokens for good: whoever had crept in has nothing left."""
        await db.execute("DELETE FROM operator_sessions WHERE operator = %s", (name,))
        await db.execute(
            """UPDATE operator_tokens SET revoked_at_ms = %s
                WHERE operator = %s AND revoked_at_ms IS NULL""",
            (self._clock.now_ms(), name),
        )

    async def all(self) -> list[tuple[str, Role]]:
        """Return the operators there are, with their roles."""
        async with connection(self._pool) as db:
            cursor = await db.execute(
                "SELECT operator, role FROM operators WHERE removed_at_ms IS NULL ORDER BY operator"
            )
            return [(str(name), role) for name, role in await cursor.fetchall()]  # type: ignore[misc]

    async def sign_in(
        self, name: str, password: str, address: str, known: str = ""
    ) -> tuple[str, Caller, str]:
        """Return a new session's secret, whose it is, and what the browser is known by next time.

        `known` is what it was given when it last signed in. Raises NotSignedIn, TooManyRequests.
        """
        if not is_name(name):
            raise NotSignedIn  # nobody has it, and everybody may know that
        row, now = await self._account(name), self._clock.now_ms()
        is_browser_known = row is not None and is_known(known, row[0], now)
        tries = tries_of(name, address, known if is_browser_known else "")
        async with connection(self._pool) as db, db.transaction():
            await count_try(db, tries, now)
        if not await self._passwords.is_right(str(row[0]) if row else None, password):
            raise NotSignedIn
        assert row is not None
        secret, now = self._names.token(SECRET_BYTES), self._clock.now_ms()
        caller = Caller(name, row[1], "session")
        async with connection(self._pool) as db, db.transaction():
            # Checking takes a while. Whoever gives the operator another password meanwhile ends all
            # sessions: either that waits for this one and ends it, too, or there is none.
            cursor = await db.execute(
                """INSERT INTO operator_sessions SELECT %s, operator, %s, %s FROM operators
                    WHERE operator = %s AND password_hash = %s AND removed_at_ms IS NULL FOR SHARE""",
                (hashed(secret), now, now, name, row[0]),
            )
            if not cursor.rowcount:
                raise NotSignedIn
            await count_right(db, tries)
            await db.execute(
                "DELETE FROM operator_sessions WHERE seen_at_ms < %s OR began_at_ms < %s",
                (now - IDLE_MS, now - SESSION_MS),
            )
            await self.log.add_within(db, caller.doer, "sign-in", name, "", {"address": address})
        return secret, caller, known_browser(row[0], now)

    async def session(self, secret: str) -> Caller | None:
        """Return whose session it is, while it lasts; being asked for keeps it."""
        now = self._clock.now_ms()
        async with connection(self._pool) as db:
            cursor = await db.execute(
                """SELECT operator, role, seen_at_ms FROM operator_sessions JOIN operators USING (operator)
                    WHERE session_hash = %s AND removed_at_ms IS NULL
                    AND seen_at_ms >= %s AND began_at_ms >= %s""",
                (hashed(secret), now - IDLE_MS, now - SESSION_MS),
            )
            row: Sequence[Any] | None = await cursor.fetchone()
            if row is None:
                return None
            if row[2] < now - SEEN_EVERY_MS:
                await db.execute(
                    "UPDATE operator_sessions SET seen_at_ms = %s WHERE session_hash = %s",
                    (now, hashed(secret)),
                )
        return Caller(row[0], row[1], "session")

    async def sign_out(self, secret: str) -> None:
        """End a session for good, wherever its secret may be."""
        async with connection(self._pool) as db:
            await db.execute(
                "DELETE FROM operator_sessions WHERE session_hash = %s", (hashed(secret),)
            )

    async def make_token(
        self, doer: Doer, name: str, purpose: str, scopes: Sequence[str], days: int
    ) -> str:
        """Return a new token, which nobody can read again. Raises RequestInvalid."""
        if not scopes or not set(scopes) <= set(SCOPES):
            raise RequestInvalid("scopes", f"must be some of {', '.join(SCOPES)}")
        if not 1 <= days <= TOKEN_DAYS_MAX:
            raise RequestInvalid("days", f"must be 1 to {TOKEN_DAYS_MAX}")
        is_told = purpose.strip() and purpose.isprintable()
        if not is_told or len(purpose) > PURPOSE_CHARACTERS_MAX:
            raise RequestInvalid(
                "purpose", f"must have 1 to {PURPOSE_CHARACTERS_MAX} printable characters"
            )
        if await self._account(name) is None:
            raise RequestInvalid("operator", "is not one there is")
        token_id = self._names.token(6)
        token = TOKEN_PREFIX + self._names.token(SECRET_BYTES)
        now = self._clock.now_ms()
        async with connection(self._pool) as db, db.transaction():
            await db.execute(
                "INSERT INTO operator_tokens VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (hashed(token), token_id, name, purpose, list(scopes), now,
                 now + days * 24 * HOUR_MS),
            )  # fmt: skip
            await self.log.add_within(
                db, doer, "make-token", name, "",
                {"token_id": token_id, "purpose": purpose, "scopes": list(scopes), "days": days},
            )  # fmt: skip
        return token

    async def revoke_token(self, doer: Doer, token_id: str) -> bool:
        """Let a token count no more; say whether there was one."""
        if not token_id.isprintable():
            return False  # none of ours, and not for PostgreSQL, which has no NUL in a text
        async with connection(self._pool) as db, db.transaction():
            cursor = await db.execute(
                """UPDATE operator_tokens SET revoked_at_ms = %s
                    WHERE token_id = %s AND revoked_at_ms IS NULL""",
                (self._clock.now_ms(), token_id),
            )
            if cursor.rowcount:
                await self.log.add_within(db, doer, "revoke-token", token_id, "", {})
            return cursor.rowcount > 0

    async def token(self, token: str) -> Caller | None:
        """Return whose token it is, while it counts."""
        async with connection(self._pool) as db:
            cursor = await db.execute(
                """SELECT operator, role, token_id, scopes
                    FROM operator_tokens JOIN operators USING (operator)
                    WHERE token_hash = %s AND removed_at_ms IS NULL AND revoked_at_ms IS NULL
                    AND ends_at_ms > %s""",
                (hashed(token), self._clock.now_ms()),
            )
            row: Sequence[Any] | None = await cursor.fetchone()
        return Caller(row[0], row[1], f"token {row[2]}", frozenset(row[3])) if row else None

    async def _account(self, name: str) -> Sequence[Any] | None:
        async with connection(self._pool) as db:
            cursor = await db.execute(
                """SELECT password_hash, role FROM operators
                    WHERE operator = %s AND removed_at_ms IS NULL""",
                (name,),
            )
            return await cursor.fetchone()


def is_name(text: str) -> bool:
    """Say whether an operator may have this name."""
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    return 1 <= len(text) <= 63 and set(text) <= allowed and text[0].isalnum()


def hashed(secret: str) -> bytes:
    """Return what is kept of a secret that we drew ourselves: nobody guesses 256 bits, however fast."""
    # Bytes of a header that are no UTF-8 arrive as surrogates; nobody has such a secret.
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
