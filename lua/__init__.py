"""Load the Redis scripts of this folder, and hold every call to the script's own header."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from operator import itemgetter
from typing import Any, Final, NamedTuple

from groundwork.redis_store import RedisStore, packed

LUA: Final = resources.files("lua")
INCLUDE_LINE: Final = re.compile(r"^ *--- @include (\w+)\n", re.MULTILINE)
HEADER: Final = re.compile(r"KEYS\n(?P<keys>.*?)\nARGV\n(?P<args>.*?)\nRETURNS\n", re.DOTALL)
ROW_NAME: Final = re.compile(r"^  \d+ (\w+) ", re.MULTILINE)


class KnownKeys(NamedTuple):
    """The first of a script's keys, those of one event or sale, packed once for many calls.

    How many keys there are is packed before them; `names` are those of the keys after them.
    """

    packed: bytes
    names: tuple[str, ...]

    def before(self, own: Mapping[str, str]) -> "CallKeys":
        """Return them with a call's own keys behind; of those it takes what the script wants."""
        return self, [own[name] for name in self.names]


# All keys of a call, the known ones first.
CallKeys = tuple[KnownKeys, list[str]]
# A script's keys by the names in its header, or as they are put together once for many calls.
Keys = Mapping[str, str] | CallKeys


@cache
def script_names() -> tuple[str, ...]:
    """Return the names of all scripts, sorted."""
    return tuple(
        sorted(
            path.name.removesuffix(".lua") for path in LUA.iterdir() if path.name.endswith(".lua")
        )
    )


def read_source(name: str) -> str:
    """Return lua/<name>.lua with its includes, and theirs, in place."""
    source = (LUA / f"{name}.lua").read_text("utf-8")
    return INCLUDE_LINE.sub(lambda line: read_source(f"includes/{line[1]}"), source)


def salted_source(name: str, epoch: int) -> str:
    """Return the text a server of this epoch knows.

    A restarted or promoted server has forgotten all scripts, so a caller of an older epoch gets
    NOSCRIPT instead of an answer out of stale data.
    """
    return f"-- epoch {epoch}\n{read_source(name)}"


def epoch_mark(epoch: int) -> str:
    """Return a script that only the server on which this epoch began knows, whatever our release."""
    return f"return 'epoch {epoch}'"


def sha_of(source: str) -> str:
    """Return what a server calls the script of this text."""
    return hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


class LuaScript:
    """A script called with named keys and arguments, in whatever order its header lists them."""

    def __init__(self, name: str) -> None:
        self.name = name
        header = HEADER.search(read_source(name))
        assert header, f"lua/{name}.lua has no KEYS / ARGV / RETURNS header"
        self.key_names: tuple[str, ...] = tuple(ROW_NAME.findall(header["keys"]))
        self.arg_names: tuple[str, ...] = tuple(ROW_NAME.findall(header["args"]))
        assert self.arg_names[0] == "epoch", f"lua/{name}.lua has no epoch as its first argument"
        self._own_args = self.arg_names[1:]
        self._args_of = _picker(self._own_args)
        self._source = read_source(name)
        words = len(("EVALSHA", "sha", "keys")) + len(self.key_names) + len(self.arg_names)
        self._count = b"*%d\r\n" % words
        self._call_of_epoch: tuple[int, bytes] = (-1, b"")

    def _call_of(self, epoch: int) -> bytes:
        """Return how a call begins on a server of this epoch: the command, and what it calls the script."""
        known_epoch, call = self._call_of_epoch
        if known_epoch != epoch:
            call = packed("EVALSHA", sha_of(f"-- epoch {epoch}\n{self._source}"))
            self._call_of_epoch = (epoch, call)
        return call

    def known_keys(self, known: Mapping[str, str]) -> KnownKeys:
        """Return the known keys for many calls; in the header the others come last."""
        others = tuple(name for name in self.key_names if name not in known)
        first = self.key_names[: len(self.key_names) - len(others)]
        assert first + others == self.key_names, f"{self.name} wants {self.key_names}"
        return KnownKeys(packed(len(self.key_names), *[known[name] for name in first]), others)

    def run(
        self, store: RedisStore, epoch: int, keys: Keys, args: Mapping[str, str | int]
    ) -> Awaitable[Any]:
        """Return what will be the script's answer. The epoch is added to the arguments here."""
        # As many as it wants, and each that it wants: no others.
        assert len(args) == len(self._own_args), (
            f"{self.name} wants {self.arg_names}, got {[*args]}"
        )
        if not isinstance(keys, tuple):
            keys = self.known_keys(keys), []
        known, own = keys
        assert len(own) == len(known.names), f"{self.name} wants {known.names}, too"
        # In every header the epoch comes first.
        rest = packed(*own, epoch, *self._args_of(args))
        return store.send(
            "EVALSHA", b"".join((self._count, self._call_of(epoch), known.packed, rest))
        )


def _picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Return what takes the values of these names out of a mapping, in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple(values[name] for name in names)
