"""Load the Redis scripts of this folder, and hold every call to the script's own header."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from operator import itemgetter
from typing import Any, Final

from groundwork.redis_store import RedisStore

LUA: Final = resources.files("lua")
INCLUDE_LINE: Final = re.compile(r"^--- @include (\w+)\n", re.MULTILINE)
HEADER: Final = re.compile(r"KEYS\n(?P<keys>.*?)\nARGV\n(?P<args>.*?)\nRETURNS\n", re.DOTALL)
ROW_NAME: Final = re.compile(r"^  \d+ (\w+) ", re.MULTILINE)

# A script's keys by the names in its header, or all of them in the order they have there.
Keys = Mapping[str, str] | tuple[str, ...]


@cache
def script_names() -> tuple[str, ...]:
    """Return the names of all scripts, sorted."""
    return tuple(
        sorted(
            path.name.removesuffix(".lua") for path in LUA.iterdir() if path.name.endswith(".lua")
        )
    )


def read_source(name: str) -> str:
    """Return lua/<name>.lua with its includes in place."""
    source = (LUA / f"{name}.lua").read_text("utf-8")
    return INCLUDE_LINE.sub(
        lambda line: (LUA / f"includes/{line[1]}.lua").read_text("utf-8"), source
    )


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
        self._sha_of_epoch: tuple[int, str] = (-1, "")

    def sha(self, epoch: int) -> str:
        """Return what a server of this epoch calls the script."""
        known_epoch, sha = self._sha_of_epoch
        if known_epoch != epoch:
            sha = sha_of(f"-- epoch {epoch}\n{self._source}")
            self._sha_of_epoch = (epoch, sha)
        return sha

    def split_keys(self, known: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the known keys in the order of the header, and the names of the others, which come last."""
        others = tuple(name for name in self.key_names if name not in known)
        first = self.key_names[: len(self.key_names) - len(others)]
        return tuple(known[name] for name in first), others

    def run(
        self, store: RedisStore, epoch: int, keys: Keys, args: Mapping[str, str | int]
    ) -> Awaitable[Any]:
        """Return what will be the script's answer. The epoch is added to the arguments here."""
        # As many as it wants, and each that it wants: no others.
        assert len(args) == len(self._own_args), (
            f"{self.name} wants {self.arg_names}, got {[*args]}"
        )
        listed = keys if isinstance(keys, tuple) else [*map(keys.__getitem__, self.key_names)]
        assert len(listed) == len(self.key_names), f"{self.name} wants {self.key_names}"
        # In every header the epoch comes first.
        return store.call(
            "EVALSHA",
            self.sha(epoch),
            len(listed),
            *listed,
            epoch,
            *self._args_of(args),
        )


def _picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Return what takes the values of these names out of a mapping, in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple(values[name] for name in names)
