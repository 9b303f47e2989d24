"""Asks drand's servers for a round, and believes none of them: the signature must be the chain's."""

from collections.abc import Sequence
from typing import Final

import aiohttp
import msgspec
import structlog

from gateway.draw.beacon import Chain, RoundInvalid, randomness_of

# A server that takes longer is passed over for the next one: fans are waiting.
ANSWER_SECONDS: Final = 3.0
# A round is three hundred bytes.
ANSWER_BYTES_MAX: Final = 4096

log = structlog.get_logger()


class RoundAnswer(msgspec.Struct, frozen=True):
    """What a server says of a round; it says the randomness, too, but that follows."""

    round: int
    signature: str


class Drand:
    """The servers of drand that were named."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = tuple(urls)

    async def ask(self, chain: Chain, round_number: int) -> str | None:
        """Return the round's signature, checked; None when no server has it now."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
            for url in self._urls:
                address = f"{url}/{chain.chain_hash}/public/{round_number}"
                try:
                    async with session.get(address, allow_redirects=False) as answer:
                        if answer.status != 200:
                            log.info("a beacon server has no such round yet", url=url)
                            continue
                        body = await answer.content.read(ANSWER_BYTES_MAX)
                    told = msgspec.json.decode(body, type=RoundAnswer)
                    if told.round != round_number:
                        raise RoundInvalid(f"it is round {told.round}")
                    randomness_of(chain, round_number, told.signature)
                except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
                    log.warning("a beacon server does not answer", url=url, error=repr(error))
                except RoundInvalid as error:
                    log.error(
                        "a beacon server answers what is not signed", url=url, error=str(error)
                    )
                else:
                    return told.signature
        return None
