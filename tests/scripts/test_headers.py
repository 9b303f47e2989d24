"""Every script keeps to its own header, and every header to one form."""

import re

import pytest

from groundwork.redis_store import RedisStore
from lua import LuaScript, read_source, script_names

LITERAL_KEY = re.compile(r"redis\.p?call\(\s*'[A-Z]+',\s*['\"]")
SECTIONS = ("\nKEYS\n", "\nARGV\n", "\nRETURNS\n", "\nSafe to repeat")
# A row of a section, or the rest of one.
ROW = re.compile(r"  (\d+ \w+ |\{'\w+'|   )")


def parts_of(name: str) -> tuple[str, str]:
    """Return a script's header and what follows it, includes in place."""
    header, _, body = read_source(name).partition("]]")
    return header, body


def numbers_used(body: str, kind: str) -> set[int]:
    return {int(number) for number in re.findall(rf"{kind}\[(\d+)\]", body)}


@pytest.mark.parametrize("name", script_names())
async def test_it_compiles(any_store: RedisStore, name: str) -> None:
    assert len(await any_store.call("SCRIPT", "LOAD", read_source(name))) == 40


@pytest.mark.parametrize("name", script_names())
def test_it_uses_just_the_keys_its_header_lists(name: str) -> None:
    _, body = parts_of(name)

    assert numbers_used(body, "KEYS") == set(range(1, len(LuaScript(name).key_names) + 1))


@pytest.mark.parametrize("name", script_names())
def test_it_uses_just_the_arguments_its_header_lists(name: str) -> None:
    header, body = parts_of(name)
    used = numbers_used(body, "ARGV")
    if "not compared" in header:
        used.add(1)  # an epoch that is passed to every script, and that this one has no use for

    assert used == set(range(1, len(LuaScript(name).arg_names) + 1))


@pytest.mark.parametrize("name", script_names())
def test_rows_are_numbered_in_order(name: str) -> None:
    header, _ = parts_of(name)
    for part in (header.partition("\nKEYS\n")[2].partition("\nARGV\n")[0],
                 header.partition("\nARGV\n")[2].partition("\nRETURNS\n")[0]):  # fmt: skip
        numbers = [int(number) for number in re.findall(r"^  (\d+) ", part, re.MULTILINE)]
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("name", script_names())
def test_no_command_names_a_key_of_its_own(name: str) -> None:
    _, body = parts_of(name)

    assert not LITERAL_KEY.search(body), "keys come from KEYS: a cluster must know them beforehand"


@pytest.mark.parametrize("name", script_names())
def test_its_header_has_the_form_of_all_headers(name: str) -> None:
    header, _ = parts_of(name)
    places = [header.find(section) for section in SECTIONS]

    assert -1 not in places
    assert places == sorted(places)
    assert re.match(r"--\[\[\n[A-Z]", header), "it opens with a sentence"
    rows = header[places[0] : places[3]].splitlines()
    odd = [row for row in rows if row and row not in ("KEYS", "ARGV", "RETURNS")]
    assert [row for row in odd if not ROW.match(row)] == []


@pytest.mark.parametrize("name", script_names())
def test_its_first_argument_is_the_epoch(name: str) -> None:
    assert LuaScript(name).arg_names[0] == "epoch"


@pytest.mark.parametrize("name", script_names())
def test_it_waits_for_nobody_and_gives_no_random_answer(name: str) -> None:
    _, body = parts_of(name)

    assert not re.search(r"math\.random|os\.|'(?:KEYS|SCAN|BL\w+|WAIT|SRANDMEMBER)'", body)


def test_a_literal_key_would_be_seen() -> None:
    assert LITERAL_KEY.search("redis.call('GET', 'my-key')")
    assert not LITERAL_KEY.search("redis.call('GET', KEYS[1])")
