"""How often something may be tried: per address, and by everybody together. Kept in Redis."""

import hashlib
from dataclasses import dataclass
from typing import Final

from gateway.bot_checks.asked_from import address_bounded
from groundwork.errors import TooManyRequests
from lua import LuaScript
from lua.epochs import Epochs
from lua.keys import allowance_key


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many at once, and one more every so often; for an address, and for a whole sale."""

    name: str
    every_ms: int
    burst: int
    sale_every_ms: int
    sale_burst: int


# A person mistypes a code a few times; a household or an office has a few persons. Right codes are
# given back, so a whole university behind one address gets in. Fifty guesses a second in all are no
# danger to codes of 60 bits, and ten thousand a day are none to a word of six letters that is not
# in a dictionary.
CODE_GUESSES: Final = Allowance("code", 8_000, 10, 20, 1_000)

# Joins without proof of work: a household's worth per address, and of the whole sale what fifty
# households would send. Browsers without JavaScript are one in some hundreds.
WAITING_JOINS: Final = Allowance("waiting", 10_000, 5, 200, 250)

# Codes for a mailbox, by waiting instead of work: as many as may join so.
MAILBOX_WAITS: Final = Allowance("mailbox", 10_000, 5, 200, 250)

# The check before going in, by waiting: as many as may join so.
STEP_UP_WAITS: Final = Allowance("step-up", 10_000, 5, 200, 250)


class Allowances:
    """Spends allowances, and gives back what was spent for nothing."""

    def __init__(self, epochs: Epochs) -> None:
        self._epochs = epochs
        self._spend_allowance = LuaScript("spend_allowance")
        self._return_allowance = LuaScript("return_allowance")

    async def spend(self, allowance: Allowance, sale_id: str, address: str) -> None:
        """Count a try against its address and its sale.

        Raises TooManyRequests when either has used up its allowance.
        """
        answer = await self._epochs.run(
            self._spend_allowance,
            ("sale", sale_id),
            _keys(allowance, sale_id, address),
            {
                "now_ms": "",
                "narrow_every_ms": allowance.every_ms,
                "narrow_burst": allowance.burst,
                "wide_every_ms": allowance.sale_every_ms,
                "wide_burst": allowance.sale_burst,
            },
        )
        match answer:
            case ["spent"]:
                return
            case ["used_up", int(wait_ms)]:
                raise TooManyRequests(retry_after=-(-wait_ms // 1000))
        raise AssertionError(f"spend_allowance.lua broke its contract: {answer!r}")

    async def give_back(self, allowance: Allowance, sale_id: str, address: str) -> None:
        """Take back a try that was counted and did no harm."""
        answer = await self._epochs.run(
            self._return_allowance,
            ("sale", sale_id),
            _keys(allowance, sale_id, address),
            {
                "narrow_every_ms": allowance.every_ms,
                "wide_every_ms": allowance.sale_every_ms,
            },
        )
        assert answer == ["returned"], answer


def _keys(allowance: Allowance, sale_id: str, address: str) -> dict[str, str]:
    # The address itself is not kept.
    named = hashlib.sha256(address_bounded(address).encode()).hexdigest()[:16]
    return {
        "narrow": allowance_key(sale_id, f"{allowance.name}:{named}"),
        "wide": allowance_key(sale_id, allowance.name),
    }
