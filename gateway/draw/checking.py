"""Works a draw out again from what is published of it, for whoever does not take our word.

It asks no store: what it is given is what anybody can download. `onsale verify-draw` is made of it, and
gateway/pages/static/draw.js does the same in the browser.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from gateway.draw import order, permutation
from gateway.draw.beacon import KNOWN_CHAINS, RoundInvalid, randomness_of
from gateway.draw.clusters import ClustersInvalid, Tally, digest_of, histogram, unpacked
from gateway.draw.document import BeaconDocument, DrawDocument
from gateway.draw.roster import HASH_BYTES, leaf_of, root_by_path, root_of, split
from gateway.draw.seed import (
    SECRET_BYTES,
    commitment_of,
    index_of,
    place_of_entry,
    seed_of,
    shared_place,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is, and whether it is as it must be."""

    is_right: bool
    what: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Whose place is asked for: what a ticket says of its entry."""

    entry_number: int
    fan_id: str


class ReceiptTold(msgspec.Struct, frozen=True):
    """A fan's receipt: where their leaf is, and its way to the root."""

    index: int
    leaf: str
    audit_path: list[str]


def check_draw(told: DrawDocument, leaves: bytes, clusters: bytes = b"") -> Iterator[Finding]:
    """Yield what is found of a draw that is made; `leaves` and `clusters` are as downloaded."""
    secret, root = read(told.secret, SECRET_BYTES), read(told.root, HASH_BYTES)
    count = told.count or 0
    yield Finding(
        hmac.compare_digest(commitment_of(secret).hex(), told.commitment or ""),
        "the secret is the one whose hash was published before anybody entered",
    )
    entered = split(leaves)
    yield Finding(
        len(leaves) == count * HASH_BYTES and len(set(entered)) == count,
        f"the roster has {count} entries, each of them once",
    )
    yield Finding(root_of(entered) == root, "the roster's Merkle root is the one that was sealed")
    yield Finding(
        told.last_entry - missing_below(told) == count,
        "entry numbers and their gaps add up to the entries",
    )
    yield Finding(
        told.permutation in (permutation.NAME, order.NAME), f"the permutation is {told.permutation}"
    )
    digest = None
    if has_clusters(told):
        digest = digest_of(clusters)
        yield from check_clusters(told, clusters)
    randomness = b""
    if told.beacon is not None:
        randomness = read(told.beacon.randomness, 32) if told.beacon.randomness else b""
        yield from check_beacon(told.beacon, told.sealed_at or "")
    yield Finding(
        seed_of(secret, root, randomness, digest).hex() == told.seed,
        "the seed comes of the secret, the root"
        + (", the clusters" if digest else "")
        + (" and the beacon" if randomness else ""),
    )


def has_clusters(told: DrawDocument) -> bool:
    """Say whether entries share chances in this draw."""
    return told.permutation == order.NAME


def check_clusters(told: DrawDocument, content: bytes) -> Iterator[Finding]:
    """Yield what is found of the clusters: those that were sealed, and such as can be."""
    said = told.clusters
    yield Finding(
        said is not None and hmac.compare_digest(digest_of(content).hex(), said.digest),
        "the clusters are those that were sealed with the roster",
    )
    try:
        clusters = unpacked(content, told.count or 0)
    except ClustersInvalid:
        yield Finding(is_right=False, what="the clusters are such as can be")
        return
    tally = Tally.of(clusters)
    yield Finding(
        said is not None
        and (said.entries, said.chances, list(said.histogram))
        == (tally.entries, tally.chances, histogram(clusters)),
        f"{tally.entries} entries in {len(clusters)} clusters share {tally.chances} chances",
    )


def check_beacon(beacon: BeaconDocument, sealed_at: str) -> Iterator[Finding]:
    """Yield what is found of the beacon: the round that was named, signed, later than the roster."""
    known = KNOWN_CHAINS.get(beacon.chain.name)
    yield Finding(known in (None, beacon.chain), f"the chain is {beacon.chain.name}")
    sealed_at_ms = datetime.fromisoformat(sealed_at).timestamp() * 1000 if sealed_at else 0
    yield Finding(
        beacon.chain.made_at_ms(beacon.round) > sealed_at_ms > 0,
        f"round {beacon.round} was made after the roster was sealed",
    )
    if beacon.outcome == "missed":
        yield Finding(
            beacon.signature is None and beacon.randomness is None,
            "the beacon did not answer in time, and the seed is made without it as was declared",
        )
        return
    try:
        made = randomness_of(beacon.chain, beacon.round, beacon.signature or "").hex()
    except RoundInvalid:
        made = ""
    yield Finding(
        made != "" and made == beacon.randomness, f"round {beacon.round} is signed by the chain"
    )


def check_entry(
    told: DrawDocument, leaves: bytes, clusters: bytes, entry: Entry
) -> tuple[Finding, int]:
    """Return whether an entry is in the roster, and the place that follows from the seed.

    An entry in a published gap was lost with a store; it shares a place. Raises ClustersInvalid.
    """
    count, seed = told.count or 0, read(told.seed, HASH_BYTES)
    behind = order.behind_of(seed, unpacked(clusters, count)) if has_clusters(told) else ()
    index = index_of(entry.entry_number, count, told.gaps)
    if index is None:
        return (
            Finding(
                is_in_gap(told, entry), f"entry {entry.entry_number} is in a gap that was published"
            ),
            shared_place(seed, entry.fan_id, count - len(behind)),
        )
    leaf = leaf_of(told.sale, entry.entry_number, entry.fan_id)
    place = place_of_entry(seed, entry.entry_number, count, told.gaps, behind)
    assert place is not None
    return (
        Finding(
            leaves[index * HASH_BYTES : (index + 1) * HASH_BYTES] == leaf,
            f"entry {entry.entry_number} is in the roster under the ticket's name",
        ),
        place,
    )


def is_in_gap(told: DrawDocument, entry: Entry) -> bool:
    """Say whether an entry was lost with a store, and that was published."""
    return any(first <= entry.entry_number <= last for first, last in told.gaps)


def check_receipt(told: DrawDocument, entry: Entry, receipt: ReceiptTold | None) -> Finding:
    """Return whether a fan's receipt shows their entry in the roster that was sealed."""
    is_right = False
    if receipt is not None:
        leaf = leaf_of(told.sale, entry.entry_number, entry.fan_id)
        path = [read(node, HASH_BYTES) for node in receipt.audit_path]
        root = root_by_path(leaf, receipt.index, told.count or 0, path)
        is_right = receipt.leaf == leaf.hex() and root is not None and root.hex() == told.root
    return Finding(is_right, f"the receipt of entry {entry.entry_number} leads to the sealed root")


def missing_below(told: DrawDocument) -> int:
    """Return how many numbers up to the last entry nobody has."""
    return sum(
        min(last, told.last_entry) - first + 1
        for first, last in told.gaps
        if first <= told.last_entry
    )


def read(told: str | None, length: int) -> bytes:
    """Return hexadecimal as bytes; zeros, which fit nothing, for what is not of that length."""
    try:
        found = bytes.fromhex(told or "")
    except ValueError:
        found = b""
    return found if len(found) == length else bytes(length)
