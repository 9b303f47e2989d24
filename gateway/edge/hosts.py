"""The names that a listener answers to."""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from groundwork.networks import is_address

# A name or an address, and perhaps a port, as the Host header has them.
HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})(?::[0-9]{1,5})?", re.ASCII)
# Browsers send a handful of names; whatever else is sent must not fill our memory.
REMEMBERED_MAX: Final = 1_024


class Hosts:
    """The names of one listener."""

    def __init__(self, names: Collection[str], *, takes_addresses: bool = False) -> None:
        """Without names every Host is taken, for development.

        `takes_addresses`: addresses without a name are taken, too. A page of another site can make its
        own name point at us, and cannot make an address do so.
        """
        self._names = frozenset(name.lower() for name in names)
        self._takes_addresses = takes_addresses
        self.takes = lru_cache(REMEMBERED_MAX)(self._takes)

    @classmethod
    def of(cls, url: str, more: str, *, takes_addresses: bool = False) -> "Hosts":
        """Return the host of an address, and those of a setting, commas between.

        Raises ValueError for what is no host.
        """
        names = [part.strip() for part in more.split(",") if part.strip()]
        for name in names:
            if _name_in(name) != name.lower():
                raise ValueError(f"{name!r} is no host without a port")
        return cls([*names, *filter(None, [host_in(url)])], takes_addresses=takes_addresses)

    def _takes(self, host: str) -> bool:
        if not self._names:
            return True
        name = _name_in(host)
        return name in self._names or (self._takes_addresses and is_address(name.strip("[]")))


def host_in(url: str) -> str:
    """Return the host of an address, as the Host header has it without a port; "" of an empty one."""
    return _name_in(urlsplit(url).netloc)


def _name_in(host: str) -> str:
    found = HOST.fullmatch(host.lower())
    return found["name"] if found else ""
