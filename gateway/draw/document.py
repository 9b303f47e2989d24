"""Everything that is public of a draw: the answer of `GET /api/sales/{sale}/draw`."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from gateway.draw import order
from gateway.draw.beacon import Chain, hash_of
from gateway.draw.clusters import Rank
from gateway.draw.draw import Draw, Outcome, merged
from gateway.draw.roster import CHUNK

VERSION: Final = "onsale-draw-v1"
CLUSTERS_VERSION: Final = "onsale-draw-v2"


class RosterDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Where the leaves are: `url?chunk=0` has the first, 32 bytes each, `url` has all of them."""

    url: str
    chunk: int
    chunks: int


class ClustersDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The clusters: where they are, their hash, their entries, and how many of these take part.

    The histogram has a row for each size: size, chances of each, how many there are.
    """

    url: str
    digest: str
    entries: int
    chances: int
    histogram: tuple[Rank, ...]


class BeaconDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The beacon's round. It is named before anybody enters, as long as the opening is not moved."""

    chain: Chain
    round: int
    at: str
    wait_seconds: int
    outcome: Outcome | None = None
    signature: str | None = None
    randomness: str | None = None


class DrawDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A draw. What is not known yet is null."""

    version: str
    sale: str
    opens_at: str
    # "none" for a sale without a draw: then all the rest is empty.
    state: str
    commitment: str | None = None
    permutation: str | None = None
    # Entries in the roster so far, and the highest entry number in it.
    entries: int = 0
    last_entry: int = 0
    gaps: tuple[tuple[int, int], ...] = ()
    count: int | None = None
    root: str | None = None
    sealed_at: str | None = None
    roster: RosterDocument | None = None
    clusters: ClustersDocument | None = None
    beacon: BeaconDocument | None = None
    secret: str | None = None
    seed: str | None = None
    drawn_at: str | None = None


def moment(at: datetime) -> str:
    """Return a moment with its milliseconds: order matters here."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def document_of(sale_id: str, opens_at: datetime, draw: Draw | None) -> DrawDocument:
    """Return what is public of a sale's draw."""
    if draw is None:
        return DrawDocument(version=VERSION, sale=sale_id, opens_at=moment(opens_at), state="none")
    is_sealed = draw.state != "committed"
    clusters = draw.clusters
    return DrawDocument(
        version=CLUSTERS_VERSION if draw.permutation == order.NAME else VERSION,
        sale=sale_id,
        opens_at=moment(opens_at),
        state=draw.state,
        commitment=draw.commitment,
        permutation=draw.permutation,
        entries=draw.entries,
        last_entry=draw.last_entry,
        gaps=merged(draw.gaps),
        count=draw.entries if is_sealed else None,
        root=draw.root,
        sealed_at=moment(draw.sealed_at) if draw.sealed_at else None,
        roster=RosterDocument(
            url=f"/api/sales/{sale_id}/draw/roster", chunk=CHUNK, chunks=-(-draw.entries // CHUNK)
        )
        if is_sealed
        else None,
        clusters=ClustersDocument(
            url=f"/api/sales/{sale_id}/draw/clusters",
            digest=clusters.digest,
            entries=clusters.entries,
            chances=clusters.chances,
            histogram=clusters.histogram,
        )
        if clusters
        else None,
        beacon=beacon_of(draw, round(opens_at.timestamp() * 1000)),
        secret=draw.secret,
        seed=draw.seed,
        drawn_at=moment(draw.drawn_at) if draw.drawn_at else None,
    )


def beacon_of(draw: Draw, opens_at_ms: int) -> BeaconDocument | None:
    """Return what is public of the draw's beacon."""
    number = draw.beacon_round(opens_at_ms)
    if draw.chain is None or number is None:
        return None
    randomness = None
    if draw.signature is not None:
        # It was checked before it was stored; a pairing for every reader would hold up everybody.
        randomness = hash_of(draw.signature).hex()
    return BeaconDocument(
        chain=draw.chain,
        round=number,
        at=moment(datetime.fromtimestamp(draw.chain.made_at_ms(number) / 1000, UTC)),
        wait_seconds=draw.wait_ms // 1000,
        outcome=draw.outcome,
        signature=draw.signature,
        randomness=randomness,
    )
