"""Who types on this machine's command line, and the first operator of an installation."""

import getpass
import os
import socket
from pathlib import Path

from gateway.operator.operator_log import Doer
from gateway.operator.operators import Operators
from groundwork.clock import SystemClock, SystemTokenSource
from groundwork.postgres import open_pool

# 144 bits: nobody guesses it, and 24 characters can be typed once.
MADE_PASSWORD_BYTES = 18
FIRST = "admin"


def doer() -> Doer:
    """Return who types: the account of this machine, as the log will name it."""
    return Doer(getpass.getuser(), f"command line of {socket.gethostname()}")


async def first_login(operators: Operators, file: Path) -> bool:
    """Where nobody may come in yet, make an admin and write name and password to a file (mode 0600).

    Says whether it did: nobody is made again where somebody was removed.
    """
    if await operators.all() or await operators.log.read():
        return False
    password = SystemTokenSource().token(MADE_PASSWORD_BYTES)
    write_secret(file, f"{FIRST}\n{password}\n")
    await operators.add(doer(), FIRST, "admin", password)
    return True


async def make_first_login(database_url: str, file: Path) -> bool:
    """Do that where a database is; say whether a login was made."""
    async with open_pool(database_url, size_max=2) as pool:
        return await first_login(Operators(pool, SystemClock(), SystemTokenSource()), file)


def write_secret(file: Path, text: str) -> None:
    """Write a file that nobody else could read at any moment."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
