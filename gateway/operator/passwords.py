"""Passwords of operators: kept as argon2id, checked a few at a time, guessed slowly."""

import asyncio
from functools import cache
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

# The library's defaults are RFC 9106's second choice: 64 MiB, three passes, four lanes.
HASHER: Final = argon2.PasswordHasher()
# Each check takes 64 MiB and a core for a twentieth of a second: more at once would be an attack on us.
CHECKS_MAX: Final = 2
PASSWORD_CHARACTERS_MIN: Final = 12
# Hashing takes longer with the length, and nobody types more.
PASSWORD_CHARACTERS_MAX: Final = 256
# So many tries are anybody's mistakes; each more waits twice as long as the one before.
FREE_TRIES: Final = 5
FIRST_WAIT_MS: Final = 1_000
WAIT_MAX_MS: Final = 15 * 60_000
# For one address and all names together: an office of operators has one address.
FREE_TRIES_OF_ADDRESS: Final = 20
# For one name from all addresses together. Who has many addresses guesses a hundred times and then less
# than three thousand times a day; a longer wait would keep out an operator at a new desk.
FREE_TRIES_OF_NAME: Final = 100
NAME_WAIT_MAX_MS: Final = 30_000


class PasswordWeak(ValueError):
    """The password is too short or too long; the text says what is asked for."""


class Passwords:
    """Makes and checks hashes without stopping the event loop."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(CHECKS_MAX)
        # What a name that nobody has is checked against, so that it takes as long as one that is.
        self._nobody = _hash_of_nobody()

    async def hashed(self, password: str) -> str:
        """Return what to keep of a password. Raises PasswordWeak."""
        async with self._turns:
            return await asyncio.to_thread(hash_password, password)

    async def is_right(self, password_hash: str | None, password: str) -> bool:
        """Say whether it is the password; takes as long for an account that is not there."""
        if len(password) > PASSWORD_CHARACTERS_MAX:
            return False
        async with self._turns:
            matches = await asyncio.to_thread(_matches, password_hash or self._nobody, password)
        return matches and password_hash is not None


def hash_password(password: str) -> str:
    """Return what to keep of a password. Raises PasswordWeak."""
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        raise PasswordWeak(
            f"A password has {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters."
        )
    if len(set(password)) < PASSWORD_CHARACTERS_MIN // 2:
        raise PasswordWeak("A password is not the same few characters again and again.")
    return HASHER.hash(password)


def wait_ms(wrong: int, free: int, max_ms: int = WAIT_MAX_MS) -> int:
    """Return how long after the last wrong password the next one may come."""
    if wrong < free:
        return 0
    return int(min(max_ms, FIRST_WAIT_MS * 2 ** min(wrong - free, 20)))


@cache
def _hash_of_nobody() -> str:
    return HASHER.hash("nobody has this password")


def _matches(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
