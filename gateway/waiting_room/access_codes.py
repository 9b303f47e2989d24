"""Access codes: what lets a fan into a group's lane. Made by operators, kept as hashes, used once each."""

import hmac
import random
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg

from groundwork.errors import AccessCodeInvalid, RequestInvalid
from groundwork.postgres import Pool, connection
from groundwork.turns import Turns

# Crockford's alphabet: no I, L, O, U. What people type for them is understood, see `normalised`.
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LOOK_ALIKE: Final = str.maketrans("OIL", "011")
# Twelve of 32 letters are 60 bits: with a million codes and a thousand guesses a second somebody
# would find one in thirty years. In groups of four, because people copy so many at a glance.
CODE_LETTERS: Final = 12
GROUP_LETTERS: Final = 4
# A word that an operator chooses for many; shorter ones are found by trying.
WORD_LETTERS_MIN: Final = 6
CODE_LETTERS_MAX: Final = 64
NOT_A_LETTER: Final = re.compile(r"[^A-Z0-9]")
# Names the secret of the key ring that the hashes are keyed with.
CODES_SECRET: Final = b"access codes"
# More are made by asking again; so many take a second.
CODES_AT_ONCE_MAX: Final = 100_000
USES_MAX: Final = 1_000_000
# A word that a whole fan club knows is one row, used by one after the other: so many of a process's eight
# connections at most stand in line for it, so that buyers have theirs.
REDEEMED_AT_ONCE: Final = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """A lot of codes that were made together, as operators see it."""

    lane: str
    batch: str
    codes: int
    uses: int
    uses_max: int
    revoked: int
    created_at: datetime


def normalised(text: str) -> str:
    """Return a code as it is compared: capitals and digits, without separators and look-alikes."""
    plain = unicodedata.normalize("NFKC", text[: 4 * CODE_LETTERS_MAX]).upper()
    return NOT_A_LETTER.sub("", plain).translate(LOOK_ALIKE)[:CODE_LETTERS_MAX]


def grouped(code: str) -> str:
    """Return a code as it is written for people: K7QF-M2XD-9TRA."""
    return "-".join(
        code[start : start + GROUP_LETTERS] for start in range(0, len(code), GROUP_LETTERS)
    )


class AccessCodes:
    """The codes of all sales, in PostgreSQL. `secret` keys their hashes: a copied table is of no use."""

    def __init__(self, pool: Pool, secret: bytes) -> None:
        self._pool = pool
        self._secret = secret
        self._turns = Turns(REDEEMED_AT_ONCE)

    def hash_of(self, sale_id: str, code: str) -> bytes:
        """Return what is stored of a code.

        It is looked up by this hash, so how long that takes says nothing about the code.
        """
        return hmac.digest(self._secret, f"{sale_id}:{normalised(code)}".encode(), "sha256")

    async def create(
        self, sale_id: str, lane: str, count: int, uses_max: int, batch: str, rng: random.Random
    ) -> list[str]:
        """Make codes that nobody can guess and return them, for this once, as people write them."""
        if not 1 <= count <= CODES_AT_ONCE_MAX:
            raise RequestInvalid("count", f"must be 1 to {CODES_AT_ONCE_MAX}")
        made: set[str] = set()
        while len(made) < count:
            made.add("".join(rng.choices(ALPHABET, k=CODE_LETTERS)))
        codes = sorted(made, key=lambda _: rng.random())
        await self._insert(sale_id, lane, codes, uses_max, batch)
        return [grouped(code) for code in codes]

    async def add(self, sale_id: str, lane: str, word: str, uses_max: int, batch: str) -> str:
        """Make a word of the operator's choice a code, and return it as it is compared."""
        code = normalised(word)
        if len(code) < WORD_LETTERS_MIN:
            raise RequestInvalid("code", f"must have {WORD_LETTERS_MIN} letters or digits at least")
        await self._insert(sale_id, lane, [code], uses_max, batch)
        return code

    async def _insert(
        self, sale_id: str, lane: str, codes: list[str], uses_max: int, batch: str
    ) -> None:
        if not 1 <= uses_max <= USES_MAX:
            raise RequestInvalid("uses", f"must be 1 to {USES_MAX}")
        rows = [self.hash_of(sale_id, code) for code in codes]
        try:
            async with connection(self._pool) as open_connection:
                await open_connection.execute(
                    """INSERT INTO access_codes (sale_id, code_hash, lane, batch, uses_max)
                    SELECT %s, code_hash, %s, %s, %s FROM unnest(%s::bytea[]) AS code_hash""",
                    (sale_id, lane, batch, uses_max, rows),
                )
        except psycopg.errors.UniqueViolation as error:
            raise RequestInvalid("code", "exists already in this sale") from error

    async def redeem(self, sale_id: str, code: str, fan_id: str) -> str:
        """Use the code for the fan and return its lane; asked again it is the same use.

        Raises AccessCodeInvalid, reason: unknown, used-up, revoked; StoreUnavailable.
        """
        async with self._turns.turn(), connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                "SELECT outcome, the_lane FROM redeem_access_code_v1(%s, %s, %s)",
                (sale_id, self.hash_of(sale_id, code), fan_id),
            )
            row = await cursor.fetchone()
        assert row is not None
        outcome, lane = str(row[0]), row[1]
        if outcome not in ("redeemed", "redeemed-before"):
            raise AccessCodeInvalid(outcome)
        return str(lane)

    async def batches(self, sale_id: str) -> list[Batch]:
        """Return the lots of a sale's codes, the newest first."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """SELECT lane, batch, count(*)::int, sum(uses)::int, sum(uses_max)::int,
                    count(revoked_at)::int, min(created_at)
                FROM access_codes WHERE sale_id = %s
                GROUP BY lane, batch ORDER BY min(created_at) DESC, lane, batch""",
                (sale_id,),
            )
            return [Batch(*row) for row in await cursor.fetchall()]  # type: ignore[arg-type]

    async def revoke(
        self, sale_id: str, *, code: str | None = None, batch: str | None = None
    ) -> int:
        """Let nobody new use a code, or the codes of a lot; return how many were still good.

        Who has used one keeps the place it gave.
        """
        assert (code is None) != (batch is None)
        column, value = (
            ("batch", batch) if code is None else ("code_hash", self.hash_of(sale_id, code))
        )
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                f"""UPDATE access_codes SET revoked_at = now()
                WHERE sale_id = %s AND {column} = %s AND revoked_at IS NULL""",  # noqa: S608 (our own text)
                (sale_id, value),
            )
            return cursor.rowcount
