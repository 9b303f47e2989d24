"""What shows a fan that their entry is in the sealed roster: the leaf and its way to the root."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.draw.draw import Draw
from gateway.draw.records import DrawRecords
from gateway.draw.roster import CHUNK, leaf_of, levels_of, path_in, split
from gateway.draw.seed import index_of

# A quarter of a megabyte each: a draw of a million entries stays in memory as a whole, 64 megabytes.
CHUNKS_KEPT_MAX: Final = 256

Levels = Sequence[Sequence[bytes]]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """An inclusion proof (RFC 6962): leaf and audit path lead to the root, in hexadecimal."""

    entry_number: int
    index: int
    leaf: str
    audit_path: list[str]
    root: str
    count: int


class Receipts:
    """Makes receipts for sealed draws. Trees are made when first asked for, a chunk at a time."""

    def __init__(self, records: DrawRecords) -> None:
        self._records = records
        self._tops: dict[str, Levels] = {}
        self._chunks: OrderedDict[tuple[str, int], Levels] = OrderedDict()
        self._making = asyncio.Lock()

    async def of(
        self, sale_id: str, draw: Draw | None, entry_number: int | None, fan_id: str
    ) -> Receipt | None:
        """Return the receipt of a fan's entry; None before the sealing, or without such an entry."""
        if draw is None or draw.root is None or entry_number is None:
            return None
        index = index_of(entry_number, draw.entries, draw.gaps)
        if index is None:
            return None
        chunk, within = divmod(index, CHUNK)
        levels = await self._levels(sale_id, chunk)
        leaf = levels[0][within]
        if leaf != leaf_of(sale_id, entry_number, fan_id):
            return None
        path = path_in(levels, within) + path_in(await self._top(sale_id), chunk)
        return Receipt(
            entry_number=entry_number,
            index=index,
            leaf=leaf.hex(),
            audit_path=[node.hex() for node in path],
            root=draw.root,
            count=draw.entries,
        )

    async def leaves(self, sale_id: str, chunk: int) -> bytes:
        """Return the leaves of a chunk of a sealed roster."""
        return b"".join((await self._levels(sale_id, chunk))[0])

    async def _levels(self, sale_id: str, chunk: int) -> Levels:
        known = self._chunks.get((sale_id, chunk))
        if known is None:
            async with self._making:  # thousands may ask for the same chunk at once
                known = self._chunks.get((sale_id, chunk))
                if known is None:
                    known = levels_of(split(await self._records.leaves(sale_id, chunk)))
                    self._chunks[sale_id, chunk] = known
                    if len(self._chunks) > CHUNKS_KEPT_MAX:
                        self._chunks.popitem(last=False)
        else:
            self._chunks.move_to_end((sale_id, chunk))
        return known

    async def _top(self, sale_id: str) -> Levels:
        top = self._tops.get(sale_id)
        if top is None:
            top = self._tops[sale_id] = levels_of(await self._records.chunk_roots(sale_id))
        return top
