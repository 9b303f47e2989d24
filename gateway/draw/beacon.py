"""Public randomness named in advance: rounds of a drand chain, and the check of their signature."""

import hashlib
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from py_arkworks_bls12381 import GT, G1Point, G2Point

from groundwork.errors import RequestInvalid

# Signatures are points of G1, keys of G2, and a round's message is the hash of its number alone.
Scheme = Literal["bls-unchained-g1-rfc9380"]
SIGNED_TO: Final = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
Hex = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2})+$", max_length=512)]


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """A drand network as its /info says; times in seconds. Whoever knows this can check its rounds."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
    chain_hash: Hex
    public_key: Hex
    period: Annotated[int, msgspec.Meta(ge=1, le=3600)]
    genesis_time: Annotated[int, msgspec.Meta(ge=0, le=2**40)]
    scheme: Scheme = "bls-unchained-g1-rfc9380"

    def round_at(self, at_ms: int) -> int:
        """Return the first round that is made at or after a moment."""
        return max(1, -(-(at_ms - self.genesis_time * 1000) // (self.period * 1000)) + 1)

    def made_at_ms(self, round_number: int) -> int:
        """Return when a round is made."""
        return (self.genesis_time + (round_number - 1) * self.period) * 1000


# The League of Entropy's: two dozen organisations, none of which can know a round before the others.
QUICKNET: Final = Chain(
    name="drand-quicknet",
    chain_hash="52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971",
    public_key=(
        "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451"
        "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
    ),
    period=3,
    genesis_time=1_692_803_367,
)
KNOWN_CHAINS: Final = {QUICKNET.name: QUICKNET}


class _ChainInfo(msgspec.Struct, frozen=True):
    """A chain as drand's /info tells it."""

    hash: Hex
    public_key: Hex
    period: int
    genesis_time: int
    scheme_id: Scheme = msgspec.field(name="schemeID")
    metadata: dict[str, str] = msgspec.field(default_factory=dict)


def read_chain(name: str) -> Chain:
    """Return a chain known by name, or one whose /info is in a file. Raises RequestInvalid."""
    if name in KNOWN_CHAINS:
        return KNOWN_CHAINS[name]
    try:
        info = msgspec.json.decode(Path(name).read_bytes(), type=_ChainInfo)
        made = Chain(
            name=info.metadata.get("beaconID", "drand"),
            chain_hash=info.hash,
            public_key=info.public_key,
            period=info.period,
            genesis_time=info.genesis_time,
            scheme=info.scheme_id,
        )
        chain = msgspec.convert(msgspec.to_builtins(made), Chain)  # the rules are kept here, too
        G2Point.from_compressed_bytes(bytes.fromhex(chain.public_key))
    except (OSError, ValueError) as error:
        known = ", ".join(KNOWN_CHAINS)
        raise RequestInvalid(
            "beacon", f"must be {known}, or a file with a chain's /info: {error}"
        ) from error
    return chain


class RoundInvalid(Exception):
    """Not that round of that chain; the text says why."""


def randomness_of(chain: Chain, round_number: int, signature: str) -> bytes:
    """Return the round's 32 random bytes. Raises RoundInvalid unless the chain has signed it."""
    try:
        signed = bytes.fromhex(signature)
        point = G1Point.from_compressed_bytes(signed)
        key = G2Point.from_compressed_bytes(bytes.fromhex(chain.public_key))
    except ValueError as error:
        raise RoundInvalid("the signature, or the chain's key, is no point of its curve") from error
    message = hashlib.sha256(round_number.to_bytes(8, "big")).digest()
    hashed = G1Point.hash_to_curve(message, SIGNED_TO)
    if point == G1Point.identity() or not GT.pairing_check([point, -hashed], [G2Point(), key]):
        raise RoundInvalid("the signature is not the chain's")
    return hash_of(signature)


def hash_of(signature: str) -> bytes:
    """Return the random bytes of a round whose signature was checked before, without the pairing."""
    return hashlib.sha256(bytes.fromhex(signature)).digest()
