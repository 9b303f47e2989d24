"""The key file keeps its secrets, and a rotation is noticed by nobody."""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from manual_clock import ManualClock
from token_samples import ticket_claims

from groundwork.keys import SIGNING_KEYS_MAX, KeyRing, KeyRingError
from groundwork.tokens import Tokens


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_new_file_is_for_its_owner_only_and_reads_back_the_same(
    ring: KeyRing, key_file: Path
) -> None:
    again = KeyRing.load(key_file)

    assert key_file.stat().st_mode & 0o777 == 0o600
    assert again.jwks() == ring.jwks()
    assert again.secret(b"identity") == ring.secret(b"identity")
    assert list(key_file.parent.iterdir()) == [key_file]  # nothing lies about


def test_a_key_file_is_never_overwritten(ring: KeyRing, key_file: Path) -> None:
    before = key_file.read_bytes()

    with pytest.raises(KeyRingError, match="never overwritten"):
        KeyRing.generate(key_file)

    assert key_file.read_bytes() == before
    assert list(key_file.parent.iterdir()) == [key_file]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o601, 0o610, 0o777])
def test_a_file_open_to_others_is_refused(ring: KeyRing, key_file: Path, mode: int) -> None:
    key_file.chmod(mode)

    with pytest.raises(KeyRingError, match="chmod 600"):
        KeyRing.load(key_file)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_closed_to_others_is_taken(ring: KeyRing, key_file: Path, mode: int) -> None:
    key_file.chmod(mode)

    assert KeyRing.load(key_file).active_kid == ring.active_kid


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyRingError, match="cannot be read"):
        KeyRing.load(tmp_path / "none.json")
    with pytest.raises(KeyRingError, match="cannot be read"):
        KeyRing.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"root_secret": "A" * 43}, "weak"),
        ({"root_secret": "c2hvcnQ"}, "length >= 43"),
        ({"root_secret": "!" * 43}, "not a usable key file"),
        ({"version": 2}, "version"),
        ({"active": "nobody"}, "active and next"),
        ({"signing_keys": []}, "length >= 2"),
        ({"surprise": 1}, "unknown field"),
    ],
)
def test_a_weak_or_damaged_file_is_refused(
    ring: KeyRing, key_file: Path, changes: dict[str, Any], why: str
) -> None:
    rewrite(key_file, **changes)

    with pytest.raises(KeyRingError, match=why):
        KeyRing.load(key_file)


def test_keys_that_do_not_fit_their_names_are_refused(ring: KeyRing, key_file: Path) -> None:
    first, second = json.loads(key_file.read_text())["signing_keys"]

    rewrite(key_file, signing_keys=[{**first, "private_key": second["private_key"]}, second])
    with pytest.raises(KeyRingError, match="does not belong"):
        KeyRing.load(key_file)

    rewrite(key_file, signing_keys=[first, second, first])
    with pytest.raises(KeyRingError, match="twice"):
        KeyRing.load(key_file)


def test_text_that_is_no_key_file_is_refused_without_being_shown(
    ring: KeyRing, key_file: Path
) -> None:
    secret = json.loads(key_file.read_text())["root_secret"]
    for content in ("", "[]", "{", f'{{"root_secret": "{secret}"}}', "x" * 100_000):
        key_file.write_text(content)
        with pytest.raises(KeyRingError) as refusal:
            KeyRing.load(key_file)
        assert secret not in str(refusal.value)
    assert secret not in repr(ring)


def test_secrets_differ_by_name_and_survive_a_rotation(ring: KeyRing, key_file: Path) -> None:
    before = ring.secret(b"identity")
    ring.rotate(key_file)

    assert len(before) == 32
    assert ring.secret(b"identity") == before == KeyRing.load(key_file).secret(b"identity")
    assert ring.secret(b"webhook") != before


def test_rotation_lets_the_published_key_sign_and_publishes_another(
    ring: KeyRing, key_file: Path
) -> None:
    old_active = ring.active_kid
    published = {key["kid"] for key in ring.jwks()["keys"]}

    new_active = ring.rotate(key_file)

    assert new_active in published - {old_active}
    assert ring.public_key(old_active)
    assert len(ring.jwks()["keys"]) == 3
    assert KeyRing.load(key_file).active_kid == new_active
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_another_process_follows_by_refresh(ring: KeyRing, key_file: Path) -> None:
    other = KeyRing.load(key_file)
    assert not other.refresh()

    kid = ring.rotate(key_file)
    assert other.public_key(kid)  # known before it signs
    assert other.refresh()

    assert other.active_kid == kid
    assert other.generation == 1


def test_what_is_signed_while_keys_rotate_names_the_key_that_signed(
    ring: KeyRing, key_file: Path, clock: ManualClock
) -> None:
    other, often = KeyRing.load(key_file), sys.getswitchinterval()

    def rotate() -> None:
        for _ in range(SIGNING_KEYS_MAX - 2):
            ring.rotate()
            other.refresh()

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(1) as threads:
            rotating = threads.submit(rotate)
            while not rotating.done():
                text = Tokens(other, clock).sign_ticket(ticket_claims(clock))
                Tokens(other, clock).read_ticket(text, "demo")
            rotating.result()
    finally:
        sys.setswitchinterval(often)


def test_only_a_previous_key_can_be_retired(ring: KeyRing, key_file: Path) -> None:
    first = ring.active_kid
    with pytest.raises(KeyRingError, match="in use"):
        ring.retire(first)
    ring.rotate()
    with pytest.raises(KeyRingError, match="no signing key"):
        ring.retire("nobody")

    ring.retire(first)

    assert ring.public_key(first) is None
    assert KeyRing.load(key_file).public_key(first) is None


def test_a_full_ring_asks_before_it_forgets(ring: KeyRing) -> None:
    first = ring.active_kid
    for _ in range(SIGNING_KEYS_MAX - 2):
        ring.rotate()
    with pytest.raises(KeyRingError, match="retire"):
        ring.rotate()

    ring.retire(first)
    ring.rotate()


def test_rotations_at_once_lose_no_key(ring: KeyRing, key_file: Path) -> None:
    rings = [KeyRing.load(key_file) for _ in range(4)]
    threads = [threading.Thread(target=one.rotate) for one in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(KeyRing.load(key_file).jwks()["keys"]) == 2 + len(rings)


def test_the_key_set_is_public(ring: KeyRing, key_file: Path) -> None:
    keys = ring.jwks()["keys"]

    assert keys[0]["kid"] == ring.active_kid
    for key in keys:
        assert set(key) == {"kty", "crv", "alg", "use", "kid", "x"}
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == (
            "OKP",
            "Ed25519",
            "EdDSA",
            "sig",
        )
        assert key["x"] not in key_file.read_text()
