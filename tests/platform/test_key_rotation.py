"""Keys rotate in the middle of a sale: nobody is logged out, and anybody can verify both keys."""

import json
import threading
from collections import Counter
from collections.abc import Iterator

import jwt
import pytest

from tests.platform.processes import open_folder, wait_until
from tests.platform.whole_system import Buyer, Up, ask, started_up

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def system() -> Iterator[Up]:
    with open_folder() as folder, started_up(folder / "data", "--demo", "--workers", "2") as up:
        yield up


def key_set(up: Up) -> jwt.PyJWKSet:
    status, body = ask(f"{up.url}/.well-known/jwks.json")
    assert status == 200, body
    return jwt.PyJWKSet.from_dict(json.loads(body))


def verified(up: Up, token: str) -> str:
    """Verify a token as a stranger's program would; returns the kid of its key."""
    kid = str(jwt.get_unverified_header(token)["kid"])
    claims = jwt.decode(
        token, key_set(up)[kid].key, algorithms=["EdDSA"], audience="sale:demo", issuer="onsale"
    )
    assert claims["sub"].startswith("f_")
    return kid


class Regulars:
    """Fans who ask for their place all the time, each over connections of their own."""

    def __init__(self, up: Up, tickets: list[str]) -> None:
        self.answers: Counter[int] = Counter()
        self._url = f"{up.url}/api/sales/demo/place"
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(each,)) for each in tickets]

    def _ask(self, ticket: str) -> None:
        while not self._is_over.is_set():
            self.answers[ask(self._url, credential=ticket)[0]] += 1

    def __enter__(self) -> "Regulars":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()


def test_nobody_notices_that_the_keys_rotate(system: Up) -> None:
    early = Buyer(system.url)
    first = verified(system, early.ticket)
    known = {key.key_id for key in key_set(system).keys}
    with Regulars(system, [early.ticket, Buyer(system.url).ticket]) as regulars:
        told = system.command("keys", "rotate")
        active = told.split()[-1]
        assert active in known, "the key that signs now was published before"

        def joins_with_new_key() -> bool:
            return verified(system, Buyer(system.url).ticket) == active

        wait_until("a process signs with the new key", joins_with_new_key, 30)
        # Whichever process answers: what the other one signed is good there, too.
        for _ in range(6):
            late = Buyer(system.url)
            assert verified(system, late.ticket) in (first, active)
            assert late.buy()
        before = regulars.answers.total()
        wait_until("the fans have gone on", lambda: regulars.answers.total() > before + 50, 30)
    assert set(regulars.answers) == {200}, regulars.answers
    assert verified(system, early.ticket) == first, "what the old key signed is still good"
    assert early.buy()
    assert len(key_set(system).keys) == len(known) + 1, "and the next key is published already"
