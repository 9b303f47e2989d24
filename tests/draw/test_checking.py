"""A draw is worked out again from outside, and nothing that was changed in it goes unnoticed."""

from collections.abc import Callable

import msgspec
import pytest
from made_draw import GAPS, NUMBERS, fan_of, made_draw, made_leaves
from own_beacon import CHAIN, signature_of

from gateway.draw.beacon import QUICKNET
from gateway.draw.checking import Entry, check_draw, check_entry
from gateway.draw.document import BeaconDocument, DrawDocument
from gateway.draw.roster import HASH_BYTES
from gateway.draw.seed import seed_of, shared_place

OTHER = "5a" * 32
change = msgspec.structs.replace


def wrong(told: DrawDocument, leaves: bytes) -> list[str]:
    return [finding.what for finding in check_draw(told, leaves) if not finding.is_right]


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
        finding, place = check_entry(told, leaves, Entry(number, fan_of(number)))
        assert finding.is_right
        places.add(place)
    assert places == set(range(1, len(NUMBERS) + 1))


def test_a_ticket_of_another_name_or_number_is_not_in_the_roster() -> None:
    told, leaves = made_draw(), made_leaves()
    assert not check_entry(told, leaves, Entry(1, fan_of(2)))[0].is_right
    assert not check_entry(told, leaves, Entry(2, fan_of(1)))[0].is_right
    assert not check_entry(told, leaves, Entry(99, fan_of(99)))[0].is_right
    assert not check_entry(told, b"", Entry(1, fan_of(1)))[0].is_right


def test_an_entry_in_a_published_gap_shares_a_place() -> None:
    told = made_draw()
    for number in (GAPS[0][0], GAPS[1][1]):
        finding, place = check_entry(told, made_leaves(), Entry(number, "f_lost"))
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
