"""Names that nobody may guess, and the text they are written as."""

import base64
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.base64url import base64url
from groundwork.clock import NAMES_DRAWN, SystemTokenSource
from groundwork.keyed_hash import keyed_hash

THREADS = 8
# Prints a name of a copy of the process, then one of its own, both drawn ahead by now.
IN_A_COPY = """
import os
from groundwork.clock import SystemTokenSource
names = SystemTokenSource()
names.token()
if os.fork() == 0:
    print(names.token(), flush=True)
    os._exit(0)
os.wait()
print(names.token())
"""


@pytest.mark.parametrize(("bytes_count", "characters"), [(16, 22), (12, 16), (33, 44)])
def test_a_name_is_as_long_as_asked(bytes_count: int, characters: int) -> None:
    names = {SystemTokenSource().token(bytes_count) for _ in range(100)}
    assert len(names) == 100
    assert all(re.fullmatch(rf"[A-Za-z0-9_-]{{{characters}}}", name) for name in names)


def test_no_two_threads_get_the_same_name() -> None:
    each = 20 * NAMES_DRAWN

    def draw(_: int) -> list[str]:
        names = SystemTokenSource()
        return [names.token() for _ in range(each)]

    with ThreadPoolExecutor(THREADS) as threads:
        drawn = [name for names in threads.map(draw, range(THREADS)) for name in names]
    assert len(set(drawn)) == THREADS * each


def test_a_copy_of_a_process_has_other_names() -> None:
    said = subprocess.run(
        [sys.executable, "-c", IN_A_COPY], capture_output=True, text=True, check=True
    )
    of_the_copy, own = said.stdout.split()
    assert of_the_copy != own


@given(st.binary(max_size=64))
def test_text_is_the_library_s_without_padding(content: bytes) -> None:
    assert base64url(content) == base64.urlsafe_b64encode(content).decode().rstrip("=")


def test_a_keyed_hash_depends_on_secret_text_and_size() -> None:
    known = keyed_hash(b"secret", b"text", 16)
    assert len(known) == 16
    assert known == keyed_hash(b"secret", b"text", 16)
    others = [
        keyed_hash(b"other", b"text", 16), keyed_hash(b"secret", b"texts", 16),
        keyed_hash(b"secret", b"text", 12),
    ]  # fmt: skip
    assert all(not known.startswith(other) for other in others)
