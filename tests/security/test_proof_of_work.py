"""The proof of work counts once, for its sale and device, in time; the library agrees with us."""

import base64
import json
import random
import time
from collections.abc import Callable
from typing import Any

import altcha
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock

from gateway.bot_checks import proof_of_work as proof_of_work_module
from gateway.bot_checks.challenge_pool import LEVELS, make_riddle, solved_ms_min
from gateway.bot_checks.proof_of_work import (
    AGE_MAX_MS,
    CLOCK_SKEW_MAX_MS,
    KEY_SIGNATURE_SECRET,
    NONCE_KEPT_MS,
    SIGNATURE_SECRET,
    STEPPING_UP,
    ProofOfWork,
    SolvedProof,
)
from groundwork.clock import SystemTokenSource
from groundwork.errors import BotCheckFailed, RequestInvalid
from groundwork.keys import KeyRing

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
JKT = "k" * 43
COUNTER = 321


class KnownCounter(random.Random):
    """So that a test knows the answer and need not search for half a second."""

    def randint(self, a: int, b: int) -> int:
        assert a <= COUNTER <= b
        return COUNTER


@pytest.fixture
def work(ring: KeyRing, clock: ManualClock) -> ProofOfWork:
    clock.at_ms = time.time_ns() // 1_000_000  # the library reads the real clock
    return ProofOfWork(ring, clock, SystemTokenSource(), KnownCounter(), riddles_max=4)


@pytest.fixture
def solved(work: ProofOfWork) -> str:
    """Return the payload a browser would send for a challenge of this sale and device."""
    stock(work)
    return solve(work.issue("demo", JKT))


def stock(work: ProofOfWork) -> None:
    work.pool._stock[1].append(make_riddle(1, work._key_secret, KnownCounter()))


def solve(document: bytes, counter_start: int = COUNTER) -> str:
    challenge = altcha.Challenge.from_dict(json.loads(document))
    solution = altcha.solve_challenge(challenge, counter_start=counter_start)
    assert solution
    text: str = altcha.Payload(challenge, solution).to_base64()
    return text


def content_of(payload: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(base64.b64decode(payload))
    return content


def payload_of(content: object, **options: Any) -> str:
    return base64.b64encode(json.dumps(content, **options).encode()).decode()


def changed(payload: str, *path: str, to: object) -> str:
    content = content_of(payload)
    inner = content
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = to
    return payload_of(content)


def refusal(work: ProofOfWork, payload: str, sale: str = "demo", jkt: str | None = JKT) -> str:
    with pytest.raises(BotCheckFailed) as caught:
        work.check(payload, sale, jkt)
    return caught.value.reason


def library_says(ring: KeyRing, payload: str) -> bool:
    result = altcha.verify_solution(
        payload, ring.secret(SIGNATURE_SECRET), hmac_key_secret=ring.secret(KEY_SIGNATURE_SECRET)
    )
    return bool(result.verified)


def test_work_that_was_done_counts(
    work: ProofOfWork, solved: str, ring: KeyRing, clock: ManualClock
) -> None:
    nonce = content_of(solved)["challenge"]["parameters"]["nonce"]

    assert work.check(solved, "demo", JKT) == SolvedProof(
        nonce, 1, clock.at_ms, solved_ms_min(COUNTER)
    )
    assert library_says(ring, solved)


def test_a_browser_searches_for_the_counter(ring: KeyRing, clock: ManualClock) -> None:
    work = ProofOfWork(ring, clock, SystemTokenSource(), random.SystemRandom())
    riddle = make_riddle(1, work._key_secret, random.SystemRandom())
    work.pool._stock[1].append(riddle)
    payload = solve(work.issue("demo"), counter_start=0)

    counter = content_of(payload)["solution"]["counter"]
    assert 1 <= counter <= LEVELS[1].counter_max
    assert work.check(payload, "demo").nonce == riddle.nonce


def test_a_challenge_has_the_shape_the_widget_wants(work: ProofOfWork, clock: ManualClock) -> None:
    stock(work)
    document = json.loads(work.issue("demo", JKT))

    assert document.keys() == {"parameters", "signature"}
    parameters = document["parameters"]
    now = clock.at_ms // 1000
    assert parameters["algorithm"] == "PBKDF2/SHA-256"
    ms = {"ms": clock.at_ms % 1000} if clock.at_ms % 1000 else {}
    sealed = parameters["data"].pop("sealed")
    assert 0 < sealed < 2**32
    assert parameters["data"] == {"iat": now, "jkt": JKT, "lvl": 1, "sale": "demo", **ms}
    assert parameters["expiresAt"] >= now + 15 * 60 + AGE_MAX_MS // 1000
    assert len(parameters["keySignature"]) == 64
    assert "jkt" not in json.loads(work.issue("demo"))["parameters"]["data"]


def test_no_counter_is_less_likely_than_another() -> None:
    """Whoever begins somewhere else than at the first has no less to do."""
    counters = [make_riddle(1, b"s" * 32, random.Random(seed)).counter for seed in range(40)]
    quarter = LEVELS[1].counter_max // 4
    assert sum(counter <= quarter for counter in counters) >= 4
    assert sum(counter > 3 * quarter for counter in counters) >= 4


def test_the_counter_is_readable_for_nobody_else(work: ProofOfWork) -> None:
    told = set()
    for _ in range(4):
        stock(work)
        told.add(json.loads(work.issue("demo"))["parameters"]["data"]["sealed"])
    assert len(told) == 4, "the same counter each time"
    assert COUNTER not in told


def test_what_the_widget_says_of_its_counter_and_its_time_changes_nothing(
    work: ProofOfWork, solved: str
) -> None:
    for path, to in ((("solution", "counter"), 1), (("solution", "time"), 10**6)):
        assert work.check(changed(solved, *path, to=to), "demo", JKT).ms_min == solved_ms_min(
            COUNTER
        )
    assert solved_ms_min(COUNTER) > 20


@pytest.mark.parametrize("jkt", ["", "short", "k" * 44, "k" * 42 + '"', "ké" * 21 + "k"])
def test_only_thumbprints_are_signed(work: ProofOfWork, jkt: str) -> None:
    with pytest.raises(RequestInvalid):
        work.issue("demo", jkt)


VARIANTS: list[Callable[[str], str]] = [
    lambda payload: payload_of(content_of(payload), indent=2),
    lambda payload: payload_of(content_of(payload), sort_keys=True),
    lambda payload: changed(payload, "solution", "time", to=1),
    lambda payload: changed(payload, "solution", "counter", to=7),
    lambda payload: changed(payload, "new", to=[1]),
    lambda payload: changed(payload, "challenge", "parameters", "new", to="x"),
    lambda payload: changed(
        payload,
        "solution",
        "derivedKey",
        to=content_of(payload)["solution"]["derivedKey"].upper(),
    ),
]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_payload_in_other_words_has_the_same_nonce(
    work: ProofOfWork, solved: str, ring: KeyRing, variant: Callable[[str], str]
) -> None:
    other = variant(solved)

    assert other != solved
    assert library_says(ring, other)
    assert work.check(other, "demo", JKT).nonce == work.check(solved, "demo", JKT).nonce


@pytest.mark.parametrize(
    ("path", "to", "reason"),
    [
        (("challenge", "parameters", "data", "sale"), "other", "bad-signature"),
        (("challenge", "parameters", "data", "jkt"), "x" * 43, "bad-signature"),
        (("challenge", "parameters", "data", "jkt"), None, "bad-signature"),
        (("challenge", "parameters", "data", "iat"), 2_000_000_000, "bad-signature"),
        (("challenge", "parameters", "data", "lvl"), 2, "bad-signature"),
        (("challenge", "parameters", "expiresAt"), 2_000_000_000, "bad-signature"),
        (("challenge", "parameters", "nonce"), "0" * 32, "bad-signature"),
        (("challenge", "parameters", "salt"), "0" * 32, "bad-signature"),
        (("challenge", "parameters", "cost"), 1, "bad-signature"),
        (("challenge", "parameters", "keyPrefix"), "", "bad-signature"),
        (("challenge", "parameters", "keySignature"), None, "bad-signature"),
        (("challenge", "parameters", "keySignature"), "0" * 64, "bad-signature"),
        (("challenge", "parameters", "algorithm"), "SHA-256", "bad-signature"),
        (("challenge", "signature"), "0" * 64, "bad-signature"),
        (("challenge", "signature"), "", "bad-signature"),
        (("challenge", "signature"), "é", "bad-signature"),
        (("challenge", "signature"), None, "malformed"),
        (("challenge", "parameters"), None, "malformed"),
        (("challenge",), None, "malformed"),
        (("solution",), None, "malformed"),
        (("solution", "derivedKey"), "0" * 64, "wrong-solution"),
        (("solution", "derivedKey"), "", "wrong-solution"),
        (("solution", "derivedKey"), "zz", "wrong-solution"),
        (("solution", "derivedKey"), "0" * 65, "malformed"),
    ],
)
def test_a_changed_payload_is_refused(
    work: ProofOfWork, solved: str, ring: KeyRing, path: tuple[str, ...], to: object, reason: str
) -> None:
    payload = changed(solved, *path, to=to)

    assert refusal(work, payload) == reason
    assert not library_says(ring, payload)


def test_work_for_another_sale_or_device_is_refused(work: ProofOfWork, solved: str) -> None:
    assert refusal(work, solved, sale="other") == "wrong-sale"
    assert refusal(work, solved, jkt="x" * 43) == "wrong-device"
    assert refusal(work, solved, jkt=None) == "wrong-device"

    stock(work)
    unbound = solve(work.issue("demo"))
    assert work.check(unbound, "demo", JKT)
    assert work.check(unbound, "demo", None)


def test_work_for_one_purpose_is_nothing_for_another(
    work: ProofOfWork, solved: str, ring: KeyRing
) -> None:
    with pytest.raises(BotCheckFailed) as caught:
        work.check(solved, "demo", JKT, STEPPING_UP)
    assert caught.value.reason == "wrong-purpose"

    stock(work)
    for_the_check = solve(work.issue("demo", JKT, purpose=STEPPING_UP))
    assert library_says(ring, for_the_check), "a challenge like any other to ALTCHA"
    assert work.check(for_the_check, "demo", JKT, STEPPING_UP)
    assert refusal(work, for_the_check) == "wrong-purpose"
    for purpose in ("", None):
        there = changed(for_the_check, "challenge", "parameters", "data", "purpose", to=purpose)
        assert refusal(work, there) in ("bad-signature", "malformed")


def test_age_goes_by_our_clock(work: ProofOfWork, solved: str, clock: ManualClock) -> None:
    issued_at_ms = work.check(solved, "demo", JKT).issued_at_ms
    for age_ms in (-CLOCK_SKEW_MAX_MS, AGE_MAX_MS):
        clock.at_ms = issued_at_ms + age_ms
        assert work.check(solved, "demo", JKT)
    for age_ms in (-CLOCK_SKEW_MAX_MS - 1, AGE_MAX_MS + 1, NONCE_KEPT_MS):
        clock.at_ms = issued_at_ms + age_ms
        assert refusal(work, solved) == "expired"


def test_another_installations_work_is_refused(
    solved: str, clock: ManualClock, tmp_path: Any
) -> None:
    other_ring = KeyRing.generate(tmp_path / "other.json")
    stranger = ProofOfWork(other_ring, clock, SystemTokenSource(), KnownCounter())
    assert refusal(stranger, solved) == "bad-signature"


def test_an_empty_stock_is_made_good_by_work_without_a_known_answer(
    work: ProofOfWork, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One hexadecimal zero instead of three: sixteen tries, so that the test is short.
    monkeypatch.setattr(proof_of_work_module, "FALLBACK_KEY_PREFIX", "0")
    document = work.issue("demo", JKT)
    assert "keySignature" not in json.loads(document)["parameters"]
    payload = solve(document, counter_start=0)

    assert library_says(ring, payload)
    done = work.check(payload, "demo", JKT)
    assert (done.level, done.ms_min) == (1, 0), "anybody may have luck"
    for path, to in (
        (("solution", "counter"), -1),
        (("solution", "counter"), 2**32),
        (("solution", "counter"), content_of(payload)["solution"]["counter"] + 1),
        (("solution", "derivedKey"), "0" * 64),
    ):
        wrong = changed(payload, *path, to=to)
        assert refusal(work, wrong) == "wrong-solution"
        assert not library_says(ring, wrong)


def test_a_right_key_without_the_prefix_is_no_solution(work: ProofOfWork) -> None:
    challenge = altcha.Challenge.from_dict(json.loads(work.issue("demo", JKT)))
    parameters = challenge.parameters
    for counter in range(3):
        password = bytes.fromhex(parameters.nonce) + counter.to_bytes(4, "big")
        key = altcha.derive_key_pbkdf2(parameters, bytes.fromhex(parameters.salt), password).hex()
        if not key.startswith("000"):
            payload = altcha.Payload(challenge, altcha.Solution(counter, key)).to_base64()
            assert refusal(work, payload) == "wrong-solution"


def test_a_long_payload_is_refused_before_any_work(work: ProofOfWork) -> None:
    assert refusal(work, "a" * 5_000_000) == "malformed"
    nested = base64.b64encode(b'{"challenge":' + b"[" * 1400).decode()
    assert refusal(work, nested) == "malformed"


@SHARED
@given(text=st.text() | st.binary().map(lambda content: base64.b64encode(content).decode()))
def test_garbage_meets_nothing_but_a_refusal(work: ProofOfWork, text: str) -> None:
    assert refusal(work, text) == "malformed"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
PATHS = [
    *[("challenge", "parameters", name) for name in ("nonce", "cost", "data", "keySignature")],
    *[("challenge", "parameters", "data", name) for name in ("iat", "jkt", "lvl", "sale")],
    ("challenge", "signature"),
    ("challenge", "parameters"),
    ("solution", "derivedKey"),
]


@SHARED
@given(path=st.sampled_from(PATHS), value=VALUES)
def test_any_change_that_counts_meets_nothing_but_a_refusal(
    work: ProofOfWork, solved: str, path: tuple[str, ...], value: object
) -> None:
    refusal(work, changed(solved, *path, to=value))
