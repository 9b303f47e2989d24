"""What a rehearsing fan is made of: the solver, the device key, the look at the seats."""

import base64
import json
import random
from pathlib import Path

import altcha
import pytest

from groundwork.clock import SystemClock
from groundwork.device_proof import DeviceProofs
from groundwork.errors import DeviceProofInvalid
from loadtest import run_file
from loadtest.device_key import DeviceKey
from loadtest.evidence import Places, owned
from loadtest.proof_of_work import Unsolvable, solve
from loadtest.run_file import fill_in
from loadtest.seat_choice import free_indexes, pick_neighbours

SECRET = "a secret for this test"


def challenge_of(counter: int) -> altcha.Challenge:
    return altcha.create_challenge(
        algorithm="PBKDF2/SHA-256",
        cost=10,
        counter=counter,
        derive_key=altcha.derive_key_pbkdf2,
        hmac_secret=SECRET,
        hmac_key_secret=SECRET,
    )


@pytest.mark.parametrize("counter", [0, 1, 300])
def test_the_solver_finds_what_the_library_accepts(counter: int) -> None:
    payload = altcha.Payload.from_base64(solve(challenge_of(counter).to_dict()))
    result = altcha.verify_solution(
        payload, SECRET, altcha.derive_key_pbkdf2, hmac_key_secret=SECRET
    )
    assert result.verified, result
    assert payload.solution.counter == counter


def test_a_prefix_of_half_a_byte_is_understood() -> None:
    challenge = challenge_of(5).to_dict()
    challenge["parameters"]["keyPrefix"] = "000"
    solution = json.loads(base64.b64decode(solve(challenge)))["solution"]
    assert solution["derivedKey"].startswith("000")


def test_an_unknown_algorithm_is_said() -> None:
    challenge = challenge_of(1).to_dict()
    challenge["parameters"]["algorithm"] = "ARGON2ID"
    with pytest.raises(Unsolvable):
        solve(challenge)


def test_the_gateway_takes_the_device_keys_proof() -> None:
    key, proofs = DeviceKey(), DeviceProofs(SystemClock())
    header = key.proof("POST", "http://127.0.0.1:8080/api/sales/demo/join?x=1")
    proof = proofs.verify(header, "POST", "/api/sales/demo/join", "127.0.0.1:8080", "http")
    assert proof.jkt == key.jkt
    with pytest.raises(DeviceProofInvalid):
        proofs.verify(header, "POST", "/api/sales/demo/admit", "127.0.0.1:8080", "http")


def test_two_proofs_are_never_the_same() -> None:
    key = DeviceKey()
    assert key.proof("POST", "http://x/") != key.proof("POST", "http://x/")


def test_a_snapshot_is_read_seat_by_seat() -> None:
    # seats 0..5: free, held, sold, blocked, free, sold
    packed = bytes([0b11_10_01_00, 0b00_00_10_00])
    snapshot = {"status": base64.b64encode(packed).decode(), "count": 6}
    assert free_indexes(snapshot) == [0, 4]


@pytest.mark.parametrize("seed", range(20))
def test_neighbours_are_free_and_as_many_as_wanted(seed: int) -> None:
    rng = random.Random(seed)
    free = sorted(rng.sample(range(200), 60))
    picked = pick_neighbours(free, 3, rng)
    assert len(set(picked)) == 3
    assert set(picked) <= set(free)


def test_the_last_seats_are_taken_all() -> None:
    assert pick_neighbours([7, 9], 4, random.Random(1)) == [7, 9]


def test_tickets_say_what_is_owned() -> None:
    tickets = [
        {"seat_id": "A-1", "tier": "gold"},
        {"seat_id": None, "tier": "floor"},
        {"seat_id": None, "tier": "floor"},
    ]
    assert owned({"tickets": tickets}) == (("A-1",), {"floor": 2})


def test_the_rehearsal_of_make_load_is_what_its_file_says() -> None:
    repository = Path(run_file.__file__).parents[1]
    recipe = (repository / "Makefile").read_text().partition("\nload:")[2].partition("\n\n")[0]
    assert recipe.splitlines()[1] == "\t@$(BIN)/locust --config loadtest/locust.conf $(ARGS)"
    lines = (repository / "loadtest/locust.conf").read_text().splitlines()
    told = dict(line.split(" = ") for line in lines if not line.startswith("#"))
    # Anything else of the running system comes from what `onsale up` wrote about itself.
    assert told.keys() == {"locustfile", "host", "headless", "users", "spawn-rate", "run-time"}
    assert (repository / told["locustfile"]).is_file()


def test_addresses_come_from_the_run_file_of_the_same_system(tmp_path: Path) -> None:
    told = {
        "gateway_url": "http://localhost:8080",
        "operator_url": "http://127.0.0.1:9090",
        "provider_url": "http://127.0.0.1:8082/",
        "provider_key": "sk",
    }
    (tmp_path / "run.json").write_text(json.dumps(told))
    here, elsewhere = Places("http://127.0.0.1:8080"), Places("http://127.0.0.1:8081")
    filled = fill_in(here, tmp_path / "run.json")
    assert filled == Places(here.base_url, "http://127.0.0.1:9090", "http://127.0.0.1:8082", "sk")
    assert fill_in(elsewhere, tmp_path / "run.json") == elsewhere
    assert fill_in(here, tmp_path / "none.json") == here
    named = Places(here.base_url, "http://o", "http://p", "key")
    assert fill_in(named, tmp_path / "run.json") == named
