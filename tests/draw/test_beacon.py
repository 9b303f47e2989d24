"""The beacon: real rounds verify, others do not; servers may be silent or lie, and the draw copes."""

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from draw_world import Process, opened_process
from made_draw import made_draw
from own_beacon import CHAIN, CHAIN_HASH, BeaconServer, signature_of

from gateway.draw.beacon import QUICKNET, Chain, RoundInvalid, randomness_of, read_chain
from gateway.draw.clusters import digest_of
from gateway.draw.draw import BEACON_MARGIN_MS
from gateway.draw.seed import seed_of
from gateway.waiting_room.sales import Sale
from groundwork.errors import RequestInvalid
from groundwork.postgres import Pool

# Rounds of drand's quicknet as its network made them.
ROUNDS = {
    123: (
        (
            "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486"
            "d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92"
        ),
        "fb8f7bc29bf24db51871ec8c79f3a1e4bd0557bc0dfcee9ed1d924e69d1c60dc",
    ),
    1000: (
        (
            "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b1957"
            "6350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
        ),
        "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd",
    ),
    657413: (
        (
            "b713718a38ae728dfd477991af2822e08d2f305e47718cef"
            "9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b"
        ),
        "fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587",
    ),
}
FANS = [f"fan-{number}" for number in range(1, 21)]

# Nobody shares a chance in these draws.
NONE = digest_of(b"")


@pytest.mark.parametrize("number", ROUNDS)
def test_rounds_of_the_real_network_verify(number: int) -> None:
    signature, randomness = ROUNDS[number]
    assert randomness_of(QUICKNET, number, signature).hex() == randomness


@pytest.mark.parametrize(
    ("number", "signature"),
    [
        (1001, ROUNDS[1000][0]),
        (1000, ROUNDS[123][0]),
        (1000, signature_of(1000)),
        (1000, "c0" + "00" * 47),  # the point at infinity fits every key
        (1000, "00" * 48),
        (1000, "b4"),
        (1000, "xx"),
        (1000, ROUNDS[1000][0][:-2] + "38"),
    ],
)
def test_anything_else_does_not(number: int, signature: str) -> None:
    with pytest.raises(RoundInvalid):
        randomness_of(QUICKNET, number, signature)


def test_publishing_a_draw_checks_no_signature_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pairing takes longer than all the rest of an answer, and anybody may ask."""
    monkeypatch.setattr("gateway.draw.beacon.GT", None)
    beacon = made_draw("used").beacon
    assert beacon and beacon.signature
    assert beacon.randomness == hashlib.sha256(bytes.fromhex(beacon.signature)).hexdigest()


def test_a_round_is_found_by_its_moment() -> None:
    made_at_ms = QUICKNET.made_at_ms(1000)
    assert made_at_ms == 1_692_806_364_000
    assert QUICKNET.round_at(made_at_ms) == 1000
    assert QUICKNET.round_at(made_at_ms + 1) == 1001
    assert QUICKNET.round_at(made_at_ms - 1) == 1000
    assert QUICKNET.round_at(0) == 1


def info(**changes: object) -> dict[str, object]:
    return {
        "hash": CHAIN_HASH, "public_key": CHAIN.public_key, "period": 1,
        "genesis_time": CHAIN.genesis_time, "schemeID": CHAIN.scheme,
        "metadata": {"beaconID": "tests-own"}, **changes,
    }  # fmt: skip


def test_a_chain_of_ones_own_is_read_from_what_its_info_says(tmp_path: Path) -> None:
    file = tmp_path / "info.json"
    file.write_text(json.dumps(info()))
    assert read_chain(str(file)) == CHAIN
    assert read_chain("drand-quicknet") == QUICKNET


@pytest.mark.parametrize(
    "changes",
    [{"public_key": "00" * 96}, {"public_key": "zz"}, {"period": 0}, {"schemeID": "other"},
     {"metadata": {"beaconID": "No Name"}}, {"hash": None}],
)  # fmt: skip
def test_no_other_file_is_a_chain(tmp_path: Path, changes: dict[str, object]) -> None:
    file = tmp_path / "info.json"
    file.write_text(json.dumps(info(**changes)))
    for name in (str(file), str(tmp_path / "nothing"), "drand-unknown"):
        with pytest.raises(RequestInvalid):
            read_chain(name)


@pytest.fixture
async def with_beacon(clean_redis: str, pool: Pool, beacon: BeaconServer) -> AsyncIterator[Process]:
    async with opened_process(clean_redis, pool, [beacon.url]) as process:
        yield process


async def begun(process: Process, chain: Chain = CHAIN, wait_ms: int = 120_000) -> Sale:
    sale = await process.new_sale(chain=chain, wait_ms=wait_ms, secret=b"\7" * 32)
    await process.enter(sale, FANS)
    return sale


async def test_the_beacons_round_goes_into_the_seed(
    with_beacon: Process, beacon: BeaconServer
) -> None:
    process = with_beacon
    sale = await begun(process)
    planned = (await process.told(sale)).beacon
    assert planned
    assert planned.round == CHAIN.round_at(sale.opens_at_ms + BEACON_MARGIN_MS)
    await process.open(sale)

    draw = await process.attend(sale)
    assert draw.state == "sealed"
    assert draw.round is not None
    assert beacon.asked == [], "a round that is not made yet"
    opens_at_ms = (await process.sales.get(sale.sale_id)).opens_at_ms
    assert CHAIN.made_at_ms(draw.round) >= opens_at_ms + BEACON_MARGIN_MS
    process.clock.ahead_ms = BEACON_MARGIN_MS + 2_000
    draw = await process.attend(sale)

    assert (draw.state, draw.outcome) == ("drawn", "used")
    assert draw.signature == signature_of(draw.round)
    randomness = hashlib.sha256(bytes.fromhex(draw.signature)).digest()
    assert draw.seed == seed_of(b"\7" * 32, bytes.fromhex(draw.root or ""), randomness, NONE).hex()
    assert draw.seed != seed_of(b"\7" * 32, bytes.fromhex(draw.root or ""), clusters=NONE).hex()


async def test_a_draw_sealed_late_takes_a_round_that_nobody_knows_yet(with_beacon: Process) -> None:
    process = with_beacon
    sale = await begun(process)
    await process.open(sale)
    process.clock.ahead_ms = 3_600_000  # everything was down for an hour

    draw = await process.attend(sale)

    assert draw.round is not None
    assert CHAIN.made_at_ms(draw.round) >= process.clock.now_ms() + BEACON_MARGIN_MS - 1_000


@pytest.mark.parametrize("behaviour", ["silent", "broken", "lying", "another round"])
async def test_a_beacon_that_gives_no_true_round_is_waited_for_and_then_done_without(
    with_beacon: Process, beacon: BeaconServer, behaviour: str
) -> None:
    process = with_beacon
    beacon.behaviour = behaviour
    sale = await begun(process, wait_ms=60_000)
    await process.open(sale)
    await process.attend(sale)
    process.clock.ahead_ms = BEACON_MARGIN_MS + 50_000
    assert (await process.attend(sale)).state == "sealed"
    assert beacon.asked

    process.clock.ahead_ms = BEACON_MARGIN_MS + 65_000
    draw = await process.attend(sale)

    assert (draw.state, draw.outcome, draw.signature) == ("drawn", "missed", None)
    assert draw.seed == seed_of(b"\7" * 32, bytes.fromhex(draw.root or ""), clusters=NONE).hex()
    told = (await process.told(sale)).beacon
    assert told
    assert told.outcome == "missed"


async def test_a_server_that_fails_is_passed_over_for_the_next(
    clean_redis: str, pool: Pool, beacon: BeaconServer
) -> None:
    urls = ["http://127.0.0.1:9", beacon.url]
    async with opened_process(clean_redis, pool, urls) as process:
        sale = await begun(process, CHAIN)
        await process.open(sale)
        await process.attend(sale)
        process.clock.ahead_ms = BEACON_MARGIN_MS + 2_000
        assert (await process.attend(sale)).outcome == "used"
