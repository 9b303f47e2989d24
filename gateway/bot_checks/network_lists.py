"""Lists of networks, one file for each kind: data centres, Tor, relays. See `onsale networks update`."""

import ipaddress
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import structlog

from groundwork.clock import Clock
from groundwork.networks import Network, Ranges

# The kinds there are, and the signal that an address in one of them is.
KINDS: Final = ("data-centre", "tor", "relay")
# All ranges of the large clouds are some fifteen thousand; a list beyond this is not one.
NETWORKS_MAX: Final = 1_000_000
# How often files are looked at: whoever updated one need not start anything anew.
LOOK_EVERY_MS: Final = 30_000

log = structlog.get_logger()


class NetworkLists:
    """The lists of a folder, read again when their files change. Without a folder there are none."""

    def __init__(self, folder: str, clock: Clock) -> None:
        self._folder = Path(folder) if folder else None
        self._clock = clock
        self._lists: dict[str, tuple[float, Ranges]] = {}
        self._looked_at_ms: float | None = None

    def signals_of(self, address: str) -> set[str]:
        """Return the kinds of networks that an address lies in."""
        self._look()
        return {kind for kind, (_, ranges) in self._lists.items() if ranges.has(address)}

    def _look(self) -> None:
        now_ms = self._clock.monotonic_ms()
        is_fresh = self._looked_at_ms is not None and now_ms < self._looked_at_ms + LOOK_EVERY_MS
        if self._folder is None or is_fresh:
            return
        self._looked_at_ms = now_ms
        for kind in KINDS:
            self._read(kind, path_of(self._folder, kind))

    def _read(self, kind: str, path: Path) -> None:
        try:
            changed_at = path.stat().st_mtime
            if self._lists.get(kind, (None,))[0] == changed_at:
                return
            self._lists[kind] = (changed_at, Ranges(networks_in(path.read_text("utf-8"))))
            log.info("a list of networks was read", kind=kind, ranges=len(self._lists[kind][1]))
        except FileNotFoundError:
            self._lists.pop(kind, None)
        except (OSError, ValueError):
            # The old list is better than none, and fans are not stopped by a list.
            log.exception("a list of networks cannot be read", kind=kind)


def path_of(folder: Path, kind: str) -> Path:
    """Return where the list of a kind is kept: one network a line."""
    return folder / f"{kind}.txt"


def networks_in(text: str) -> list[Network]:
    """Return the networks in a text: lines, the first column of a CSV, or anywhere in JSON.

    That is how clouds, Tor and relays publish theirs. Comments and what is no network are left out.
    Raises ValueError for too many.
    """
    found: dict[Network, None] = {}
    for word in _words(text):
        try:
            found[ipaddress.ip_network(word, strict=False)] = None
        except ValueError:
            continue
        if len(found) > NETWORKS_MAX:
            raise ValueError(f"more than {NETWORKS_MAX} networks")
    return list(found)


def _words(text: str) -> Iterator[str]:
    if text.lstrip()[:1] in ("{", "["):
        yield from _strings(json.loads(text))
        return
    for line in text.splitlines():
        words = line.partition("#")[0].replace(",", " ").replace(";", " ").split()
        yield from words[:1]


def _strings(content: Any) -> Iterator[str]:
    """Yield every text in a JSON document, without recursion: depth is the writer's choice."""
    waiting = [content]
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case dict() as members:
                waiting += members.values()
            case list() as items:
                waiting += items


def write_list(folder: Path, kind: str, networks: Iterable[Network]) -> int:
    """Put a list in place at once, sorted, and return how many networks it has."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = sorted({str(each) for each in networks})
    path = path_of(folder, kind)
    draft = path.with_suffix(".new")
    draft.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    draft.replace(path)
    return len(lines)
