"""Proof of work in the browser (ALTCHA v2): a filter against floods and a proof of JavaScript.

It is not more than that: one graphics card does the work of three thousand phones. What limits
farms is one ticket per device key, the draw, and limits per buyer.
"""

import binascii
import contextlib
import hashlib
import hmac
import random
import re
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from gateway.bot_checks.challenge_pool import (
    ALGORITHM,
    COST,
    EASY,
    HARD,
    KEY_BYTES,
    LEVELS,
    RIDDLES_MAX,
    ChallengePool,
    Level,
    solved_ms_min,
)
from groundwork.clock import Clock, TokenSource
from groundwork.errors import BotCheckFailed, RequestInvalid
from groundwork.keyed_hash import keyed_hash
from groundwork.keys import KeyRing

SIGNATURE_SECRET: Final = b"proof-of-work"
# Another secret than the challenge's: what is signed here is a key that the fan may choose.
KEY_SIGNATURE_SECRET: Final = b"proof-of-work-key"
# How old a challenge may be, by our clock. A slow phone needs 3 s at most, in a background tab sixty times
# that; the page fetches another when this is over. It bounds how much work a farm can stock.
AGE_MAX_MS: Final = 10 * 60_000
CLOCK_SKEW_MAX_MS: Final = 30_000  # between two gateways: one issues, another checks
# The widget compares expiresAt with the clock of the phone, and phones are wrong by many minutes.
# This is for its eyes only; what counts is data.iat above.
EXPIRES_AFTER_SECONDS: Final = AGE_MAX_MS // 1000 + 15 * 60
# A nonce can come again until its challenge is too old, on the slowest of our clocks.
NONCE_KEPT_MS: Final = AGE_MAX_MS + 2 * CLOCK_SKEW_MAX_MS
PAYLOAD_CHARACTERS_MAX: Final = 2048  # the widget's has 900
# When the stock is empty, riddles come without a known answer: three hexadecimal zeros, found after
# 4096 tries on average. The work is the same, the cost per try lower, so that checking one (which
# takes one try) stays under a millisecond, about as long as a signature.
FALLBACK_KEY_PREFIX: Final = "000"
FALLBACK_TRIES: Final = 4096
JKT: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
NONCE_CHARACTERS: Final = 32  # 128 bits, as in the library's own
COUNTER_MAX: Final = 2**32 - 1  # goes into the password as four bytes

# What work is for: a place in line, or the check before going in. Work for one is nothing for the other.
JOINING: Final = ""
STEPPING_UP: Final = "step-up"

Hex = Annotated[str, msgspec.Meta(max_length=64)]


class SolvedProof(msgspec.Struct, frozen=True):
    """Work that was done for this sale. The caller refuses a nonce that it saw in NONCE_KEPT_MS."""

    nonce: str
    level: int
    issued_at_ms: int
    # How long the search took at least; 0 of a fallback, where anybody may have luck at the first try.
    ms_min: float = 0.0


# Fields in the order of the alphabet, the order in which challenges are signed.
class ChallengeData(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a challenge is bound to, and how hard it is (`lvl`)."""

    iat: int
    lvl: int
    ms: int = 0  # of the second iat: how long the work took is told by our clock alone
    purpose: str = JOINING
    sale: str
    sealed: int = 0  # the counter, readable for us alone: what the widget says of it proves nothing
    jkt: str | None = None


class ChallengeParameters(
    msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True
):
    """What to compute, in the words of ALTCHA v2."""

    algorithm: str
    cost: int
    data: ChallengeData
    expires_at: int
    key_length: int
    key_prefix: Hex
    key_signature: Hex | None = None
    nonce: Hex
    salt: Hex


class Challenge(msgspec.Struct, frozen=True):
    """A challenge as ALTCHA's widget takes it."""

    parameters: ChallengeParameters
    signature: str


class _Solution(msgspec.Struct, frozen=True, rename="camel"):
    counter: int
    derived_key: Hex


class _Payload(msgspec.Struct, frozen=True):
    challenge: Challenge
    solution: _Solution


_PAYLOAD_DECODER: Final = msgspec.json.Decoder(_Payload)
_CANONICAL: Final = msgspec.json.Encoder(order="sorted")


class ProofOfWork:
    """Gives out challenges and checks the work, both without a store and without waiting.

    Checking follows the rules of altcha.verify_solution, but goes by the clock it was handed and
    cannot take a slow path by a forgotten secret. Where it differs it is stricter.
    """

    def __init__(
        self,
        ring: KeyRing,
        clock: Clock,
        tokens: TokenSource,
        rng: random.Random,
        levels: tuple[int, ...] = (EASY, HARD),
        riddles_max: int = RIDDLES_MAX,
    ) -> None:
        self._key_secret = ring.secret(KEY_SIGNATURE_SECRET)
        # Begun once and copied: to begin one takes longer than to sign a short text with it.
        self._mac = hmac.new(ring.secret(SIGNATURE_SECRET), digestmod="sha256")
        self._key_mac = hmac.new(self._key_secret, digestmod="sha256")
        self._clock = clock
        self._tokens = tokens
        self.pool = ChallengePool(self._key_secret, rng, levels, riddles_max)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Make riddles in the background while the block runs; without it all are fallbacks."""
        with self.pool.running():
            yield

    def issue(
        self, sale_id: str, jkt: str | None = None, level: int = EASY, purpose: str = JOINING
    ) -> bytes:
        """Return the JSON document of a challenge for this sale, this purpose and, if given, device key.

        Errors: RequestInvalid when jkt is no key thumbprint.
        """
        if jkt is not None and not JKT.fullmatch(jkt):
            raise RequestInvalid("jkt", "must be the RFC 7638 thumbprint of the device key")
        now_ms = self._clock.now_ms()
        parameters = _CANONICAL.encode(
            self._parameters(
                level,
                ChallengeData(
                    iat=now_ms // 1000,
                    lvl=level,
                    ms=now_ms % 1000,
                    purpose=purpose,
                    sale=sale_id,
                    jkt=jkt,
                ),
                now_ms // 1000 + EXPIRES_AFTER_SECONDS,
            )
        )
        signature = self._signature(parameters).encode()
        return b'{"parameters":' + parameters + b',"signature":"' + signature + b'"}'

    def check(
        self, payload_base64: str, sale_id: str, jkt: str | None = None, purpose: str = JOINING
    ) -> SolvedProof:
        """Return whose nonce to spend if the work was done for this sale and this purpose, in time.

        A challenge without a device key is good with any; one with a key only with that key.

        Errors: BotCheckFailed, reason: malformed, bad-signature, expired, wrong-sale, wrong-purpose,
        wrong-device, wrong-solution.
        """
        payload = _read_payload(payload_base64)
        parameters = payload.challenge.parameters
        signature = self._signature(_CANONICAL.encode(parameters))
        if not _is_same(payload.challenge.signature, signature):
            raise BotCheckFailed("bad-signature")
        data = parameters.data
        issued_at_ms = data.iat * 1000 + data.ms
        if not -CLOCK_SKEW_MAX_MS <= self._clock.now_ms() - issued_at_ms <= AGE_MAX_MS:
            raise BotCheckFailed("expired")
        if data.sale != sale_id:
            raise BotCheckFailed("wrong-sale")
        if data.purpose != purpose:
            raise BotCheckFailed("wrong-purpose")
        if data.jkt is not None and data.jkt != jkt:
            raise BotCheckFailed("wrong-device")
        if not self._is_solved(parameters, payload.solution):
            raise BotCheckFailed("wrong-solution")
        ms_min = solved_ms_min(data.sealed ^ self._mask(parameters.nonce)) if data.sealed else 0.0
        return SolvedProof(parameters.nonce, data.lvl, issued_at_ms, ms_min)

    def _parameters(self, level: int, data: ChallengeData, expires_at: int) -> ChallengeParameters:
        riddle = self.pool.take(level)
        if riddle is None:
            return ChallengeParameters(
                algorithm=ALGORITHM,
                cost=fallback_cost(LEVELS[level]),
                data=data,
                expires_at=expires_at,
                key_length=KEY_BYTES,
                key_prefix=FALLBACK_KEY_PREFIX,
                nonce=self._hex(),
                salt=self._hex(),
            )
        sealed = riddle.counter ^ self._mask(riddle.nonce)
        return ChallengeParameters(
            algorithm=ALGORITHM,
            cost=COST,
            data=msgspec.structs.replace(data, sealed=sealed),
            expires_at=expires_at,
            key_length=KEY_BYTES,
            key_prefix=riddle.key_prefix,
            key_signature=riddle.key_signature,
            nonce=riddle.nonce,
            salt=riddle.salt,
        )

    def _is_solved(self, parameters: ChallengeParameters, solution: _Solution) -> bool:
        try:
            derived_key = bytes.fromhex(solution.derived_key)
        except ValueError:
            return False
        if parameters.key_signature is not None:
            # The counter is not looked at: the key proves that it was found.
            signature = _signature(self._key_mac, derived_key)
            return _is_same(parameters.key_signature, signature)
        if not 0 <= solution.counter <= COUNTER_MAX:
            return False
        wanted = hashlib.pbkdf2_hmac(
            "sha256",
            bytes.fromhex(parameters.nonce) + solution.counter.to_bytes(4, "big"),
            bytes.fromhex(parameters.salt),
            parameters.cost,  # ours: the signature was checked before
            parameters.key_length,
        )
        return wanted.hex().startswith(parameters.key_prefix) and hmac.compare_digest(
            wanted, derived_key
        )

    def _mask(self, nonce: str) -> int:
        # Longer than any key that is signed with the same secret, so that it is none of those.
        text = b"the counter of the riddle " + nonce.encode()
        return int.from_bytes(keyed_hash(self._key_secret, text, 4))

    def _hex(self) -> str:
        return hashlib.sha256(self._tokens.token().encode()).hexdigest()[:NONCE_CHARACTERS]

    def _signature(self, parameters: bytes) -> str:
        return _signature(self._mac, parameters)


def _signature(begun: hmac.HMAC, text: bytes) -> str:
    mac = begun.copy()
    mac.update(text)
    return mac.hexdigest()


def fallback_cost(level: Level) -> int:
    """Return the iterations per try that make an average fallback riddle as long as the level's."""
    return level.iterations // FALLBACK_TRIES


def _read_payload(payload_base64: str) -> _Payload:
    if len(payload_base64) > PAYLOAD_CHARACTERS_MAX:
        raise BotCheckFailed("malformed")
    try:
        content = binascii.a2b_base64(payload_base64, strict_mode=True)
        return _PAYLOAD_DECODER.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BotCheckFailed("malformed") from error


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
