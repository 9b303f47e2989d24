"""Draws that were made without a store, as they are published: for tests of whoever checks them."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

from own_beacon import CHAIN, signature_of

from gateway.draw import order, permutation
from gateway.draw.clusters import Cluster, Tally, digest_of, histogram, packed
from gateway.draw.document import DrawDocument, document_of
from gateway.draw.draw import BEACON_MARGIN_MS, Draw, DrawClusters
from gateway.draw.roster import leaf_of, root_of
from gateway.draw.seed import commitment_of, seed_of

SALE: Final = "tour"
OPENS_AT: Final = datetime(2026, 6, 1, 10, tzinfo=UTC)
SECRET: Final = hashlib.sha256(b"a secret").digest()
# Numbers 4 to 6 were lost, and 10 to 20 after the last entry.
NUMBERS: Final = (1, 2, 3, 7, 8, 9)
GAPS: Final = ((4, 6), (10, 20))


def fan_of(number: int) -> str:
    """The name of who has an entry number."""
    return f"f_fan-{number}"


# In a draw with clusters: a hundred entries, of which two clusters share chances.
MANY: Final = 100
CLUSTERS: Final = (Cluster(8, tuple(range(10, 40))), Cluster(8, tuple(range(50, 60))))


def many_leaves() -> bytes:
    """The roster of the draw with clusters."""
    return b"".join(leaf_of(SALE, number, fan_of(number)) for number in range(1, MANY + 1))


def clustered_draw() -> DrawDocument:
    """What is published of a draw with clusters; without a beacon."""
    root = root_of([leaf_of(SALE, number, fan_of(number)) for number in range(1, MANY + 1)])
    content, tally = packed(CLUSTERS), Tally.of(CLUSTERS)
    draw = Draw(
        state="drawn",
        commitment=commitment_of(SECRET).hex(),
        permutation=order.NAME,
        chain=None,
        wait_ms=0,
        entries=MANY,
        last_entry=MANY,
        root=root.hex(),
        sealed_at=OPENS_AT + timedelta(seconds=1),
        round=None,
        outcome=None,
        signature=None,
        seed=seed_of(SECRET, root, clusters=digest_of(content)).hex(),
        drawn_at=OPENS_AT + timedelta(seconds=20),
        secret=SECRET.hex(),
        gaps=(),
        clusters=DrawClusters(
            digest=digest_of(content).hex(),
            entries=tally.entries,
            chances=tally.chances,
            histogram=tuple(histogram(CLUSTERS)),
        ),
    )
    return document_of(SALE, OPENS_AT, draw)


def made_leaves() -> bytes:
    """The roster as downloaded."""
    return b"".join(leaf_of(SALE, number, fan_of(number)) for number in NUMBERS)


def made_draw(beacon: str = "none") -> DrawDocument:
    """What is published of the draw: with a beacon, without, or with one that was missed."""
    root = root_of([leaf_of(SALE, number, fan_of(number)) for number in NUMBERS])
    chain = None if beacon == "none" else CHAIN
    number = CHAIN.round_at(round(OPENS_AT.timestamp() * 1000) + BEACON_MARGIN_MS)
    signature = signature_of(number) if beacon == "used" else None
    randomness = hashlib.sha256(bytes.fromhex(signature)).digest() if signature else b""
    draw = Draw(
        state="drawn",
        commitment=commitment_of(SECRET).hex(),
        permutation=permutation.NAME,
        chain=chain,
        wait_ms=60_000,
        entries=len(NUMBERS),
        last_entry=NUMBERS[-1],
        root=root.hex(),
        sealed_at=OPENS_AT + timedelta(seconds=1),
        round=number if chain else None,
        outcome={"none": None, "used": "used", "missed": "missed"}[beacon],  # type: ignore[arg-type]
        signature=signature,
        seed=seed_of(SECRET, root, randomness).hex(),
        drawn_at=OPENS_AT + timedelta(seconds=20),
        secret=SECRET.hex(),
        gaps=GAPS,
    )
    return document_of(SALE, OPENS_AT, draw)
