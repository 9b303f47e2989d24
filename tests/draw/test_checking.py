"""A draw is worked out again from outside, and nothing that was changed in it goes unnoticed."""

from collections.abc import Callable

import msgspec
import pytest
from made_draw import (
    CLUSTERS,
    GAPS,
    MANY,
    NUMBERS,
    clustered_draw,
    fan_of,
    made_draw,
    made_leaves,
    many_leaves,
)
from own_beacon import CHAIN, signature_of

from gateway.draw import order, permutation
from gateway.draw.beacon import QUICKNET
from gateway.draw.checking import Entry, check_draw, check_entry
from gateway.draw.clusters import Cluster, packed
from gateway.draw.document import BeaconDocument, DrawDocument
from gateway.draw.roster import HASH_BYTES
from gateway.draw.seed import seed_of, shared_place

OTHER = "5a" * 32
change = msgspec.structs.replace


def wrong(told: DrawDocument, leaves: bytes, clusters: bytes = b"") -> list[str]:
    found = check_draw(told, leaves, clusters)
    return [finding.what for finding in found if not finding.is_right]


@pytest.mark.parametrize("beacon", ["none", "used", "missed"])
def test_an_honest_draw_passes(beacon: str) -> None:
    assert wrong(made_draw(beacon), made_leaves()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"secret": OTHER}, "the secret is the one"),
        ({"secret": None}, "the secret is the one"),
        ({"secret": "nonsense"}, "the secret is the one"),
        ({"commitment": OTHER}, "the secret is the one"),
        ({"root": OTHER}, "the roster's Merkle root"),
        ({"seed": OTHER}, "the seed comes of"),
        ({"seed": None}, "the seed comes of"),
        ({"count": len(NUMBERS) - 1}, "the roster has"),
        ({"count": len(NUMBERS) + 1}, "the roster has"),
        ({"permutation": "sorted-by-friendship"}, "the permutation is"),
        ({"gaps": ()}, "entry numbers and their gaps"),
        ({"gaps": ((4, 5), (10, 20))}, "entry numbers and their gaps"),
        ({"last_entry": 8}, "entry numbers and their gaps"),
    ],
)
def test_what_was_changed_in_the_document_is_noticed(changes: dict[str, object], said: str) -> None:
    found = wrong(change(made_draw(), **changes), made_leaves())
    assert any(what.startswith(said) for what in found), found


@pytest.mark.parametrize(
    "tampered",
    [
        lambda leaves: leaves[:-HASH_BYTES],
        lambda leaves: leaves + bytes(HASH_BYTES),
        lambda leaves: leaves[:-1] + b"\0",
        lambda leaves: leaves[HASH_BYTES:] + leaves[:HASH_BYTES],
        lambda leaves: leaves[:HASH_BYTES] * len(NUMBERS),
        lambda leaves: b"",
    ],
    ids=["one removed", "one added", "one changed", "reordered", "one many times", "empty"],
)
def test_what_was_changed_in_the_roster_is_noticed(tampered: Callable[[bytes], bytes]) -> None:
    assert "the roster's Merkle root is the one that was sealed" in wrong(
        made_draw(), tampered(made_leaves())
    )


def beacon_of(told: DrawDocument) -> BeaconDocument:
    assert told.beacon is not None
    return told.beacon


ROUND = beacon_of(made_draw("used")).round


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"signature": signature_of(ROUND + 1)}, "is signed by the chain"),
        ({"signature": None}, "is signed by the chain"),
        ({"randomness": OTHER}, "is signed by the chain"),
        ({"round": ROUND + 1}, "is signed by the chain"),
        ({"round": ROUND - 60}, "was made after the roster was sealed"),
        ({"outcome": None, "signature": None, "randomness": None}, "is signed by the chain"),
        ({"outcome": "missed"}, "did not answer in time"),
        ({"chain": change(CHAIN, name=QUICKNET.name)}, "the chain is"),
    ],
)
def test_what_was_changed_of_the_beacon_is_noticed(changes: dict[str, object], said: str) -> None:
    told = made_draw("used")
    found = wrong(change(told, beacon=change(beacon_of(told), **changes)), made_leaves())
    assert any(said in what for what in found), found


def test_a_beacon_that_is_hushed_up_is_noticed() -> None:
    assert wrong(change(made_draw("used"), beacon=None), made_leaves()) == [
        "the seed comes of the secret, the root"
    ]


def test_every_ticket_finds_its_entry_and_a_place_of_its_own() -> None:
    told, leaves = made_draw(), made_leaves()
    places = set()
    for number in NUMBERS:
        finding, place = check_entry(told, leaves, b"", Entry(number, fan_of(number)))
        assert finding.is_right
        places.add(place)
    assert places == set(range(1, len(NUMBERS) + 1))


def test_a_ticket_of_another_name_or_number_is_not_in_the_roster() -> None:
    told, leaves = made_draw(), made_leaves()
    assert not check_entry(told, leaves, b"", Entry(1, fan_of(2)))[0].is_right
    assert not check_entry(told, leaves, b"", Entry(2, fan_of(1)))[0].is_right
    assert not check_entry(told, leaves, b"", Entry(99, fan_of(99)))[0].is_right
    assert not check_entry(told, b"", b"", Entry(1, fan_of(1)))[0].is_right


def test_an_entry_in_a_published_gap_shares_a_place() -> None:
    told = made_draw()
    for number in (GAPS[0][0], GAPS[1][1]):
        finding, place = check_entry(told, made_leaves(), b"", Entry(number, "f_lost"))
        assert finding.is_right
        assert place == shared_place(bytes.fromhex(told.seed or ""), "f_lost", len(NUMBERS))


def test_a_seed_chosen_for_a_friend_is_noticed() -> None:
    """Whoever tries secrets until a friend is first needs another commitment."""
    told = made_draw()
    root = bytes.fromhex(told.root or "")
    for attempt in range(40):
        secret = attempt.to_bytes(32, "big")
        chosen = change(told, secret=secret.hex(), seed=seed_of(secret, root).hex())
        assert wrong(chosen, made_leaves()) == [
            "the secret is the one whose hash was published before anybody entered"
        ]


def test_an_honest_draw_with_clusters_passes_and_gives_each_entry_a_place() -> None:
    told, leaves, content = clustered_draw(), many_leaves(), packed(CLUSTERS)
    assert wrong(told, leaves, content) == []
    places = {}
    for number in range(1, MANY + 1):
        finding, places[number] = check_entry(told, leaves, content, Entry(number, fan_of(number)))
        assert finding.is_right
    assert sorted(places.values()) == list(range(1, MANY + 1))
    behind = {number for number, place in places.items() if place > MANY - 40 + 8 + 8}
    assert len(behind) == 24
    assert behind < {index + 1 for cluster in CLUSTERS for index in cluster.members}


SMALLER = Cluster(8, CLUSTERS[0].members[:-1])
OTHERS = Cluster(8, tuple(range(60, 70)))


@pytest.mark.parametrize(
    "content",
    [
        packed([CLUSTERS[0]]),
        packed([SMALLER, CLUSTERS[1]]),
        packed([Cluster(29, CLUSTERS[0].members), CLUSTERS[1]]),
        packed([CLUSTERS[0], OTHERS]),
        packed(CLUSTERS)[:-1],
        packed(CLUSTERS[::-1]),
        b"",
    ],
    ids=["one freed", "a friend freed", "another floor", "others", "cut off", "reordered", "none"],
)
def test_what_was_changed_in_the_clusters_is_noticed(content: bytes) -> None:
    found = wrong(clustered_draw(), many_leaves(), content)
    assert "the clusters are those that were sealed with the roster" in found
    assert "the seed comes of the secret, the root, the clusters" in found


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": OTHER},
        {"entries": 39},
        {"chances": 17},
        {"histogram": ((30, 8, 2),)},
        {"histogram": ()},
    ],
)
def test_what_was_changed_in_what_is_said_of_clusters_is_noticed(
    changes: dict[str, object],
) -> None:
    told = clustered_draw()
    assert told.clusters is not None
    assert wrong(
        change(told, clusters=change(told.clusters, **changes)), many_leaves(), packed(CLUSTERS)
    )
    assert wrong(change(told, clusters=None), many_leaves(), packed(CLUSTERS))


def test_clusters_cannot_be_hushed_up_nor_made_up_by_another_name() -> None:
    """The name of the permutation says whether there are any, and the seed hangs on them."""
    plain = change(clustered_draw(), permutation=permutation.NAME, clusters=None)
    assert wrong(plain, many_leaves()) == ["the seed comes of the secret, the root"]
    clustered = change(made_draw(), permutation=order.NAME)
    assert "the seed comes of the secret, the root, the clusters" in wrong(clustered, made_leaves())
