"""Making draws: entries into the roster while fans wait; then seal, beacon, seed. Any process may.

Every step is safe to repeat and finds out by itself how far others have come, so that a process may
die anywhere: before the seal is in PostgreSQL nothing was promised, and after it all that follows is
worked out from what is there.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from gateway.draw.beacon import Chain, randomness_of
from gateway.draw.cluster_records import ClusterRecords
from gateway.draw.clusters import Cluster, find_clusters
from gateway.draw.draw import BEACON_MARGIN_MS, Draw, Outcome
from gateway.draw.entries import ENTRIES_READ, Entries
from gateway.draw.records import DrawRecords
from gateway.draw.roster import EMPTY_ROOT, levels_of
from gateway.draw.seed import seed_of
from groundwork.clock import Clock

log = structlog.get_logger()


class Beacons(Protocol):
    """Who can be asked for a beacon's rounds."""

    async def ask(self, chain: Chain, round_number: int) -> str | None:
        """Return the round's signature, checked; None when nobody has it now."""
        ...


class Drawing:
    """Takes the draw of a sale as far as it can go at a moment."""

    def __init__(
        self,
        entries: Entries,
        records: DrawRecords,
        clusters: ClusterRecords,
        beacons: Beacons,
        clock: Clock,
    ) -> None:
        self._entries = entries
        self._records = records
        self._clusters = clusters
        self._beacons = beacons
        self._clock = clock

    async def attend(self, sale_id: str, opens_at_ms: int) -> Draw | None:
        """Do what is due for the sale's draw, unless another process is at it; returns how it stands."""
        async with self._records.turn(sale_id) as is_ours:
            draw = await self._records.get(sale_id)
            if draw is None or not is_ours:
                return draw
            is_open = self._clock.now_ms() >= opens_at_ms
            if draw.state == "committed" and is_open:
                entered = await self._entries.seal(sale_id)
                draw = await self._flush(sale_id, draw)
                draw = await self._seal(sale_id, draw, opens_at_ms, entered)
            elif draw.state == "committed":
                draw = await self._flush(sale_id, draw)
            if draw.state == "sealed":
                draw = await self._finish(sale_id, draw)
            return draw

    async def _flush(self, sale_id: str, draw: Draw) -> Draw:
        """Bring every entry there is into the roster."""
        while True:
            epoch, entries = await self._entries.read(sale_id, draw.last_entry)
            if entries and not await self._records.append(sale_id, epoch, draw, entries):
                log.warning("the roster has changed in the meantime", sale=sale_id)
            if entries:
                fresh = await self._records.get(sale_id)
                assert fresh is not None
                draw = fresh
            if len(entries) < ENTRIES_READ:
                return draw

    async def _seal(self, sale_id: str, draw: Draw, opens_at_ms: int, entered: int) -> Draw:
        """Make the roster final, if it is still as it was read from a store that is still believed."""
        epoch, missing = await self._entries.read(sale_id, draw.last_entry)
        if missing or await self._entries.seal(sale_id) != entered:
            return draw  # a store was lost on the way: the next round begins anew
        if entered != draw.entries:
            # Harmless: a place too many is passed over, a place too few is shared.
            log.error("the roster is not as long as known", known=entered, roster=draw.entries)
        roots = await self._records.chunk_roots(sale_id)
        root = levels_of(roots)[-1][0] if roots else EMPTY_ROOT
        clusters = await self._clusters_of(sale_id, draw)
        number = self._round(draw, opens_at_ms)
        await self._records.seal(sale_id, epoch, draw, root, number, clusters)
        fresh = await self._records.get(sale_id)
        assert fresh is not None
        log.info("the roster of a draw", sale=sale_id, state=fresh.state, root=fresh.root)
        return fresh

    async def _clusters_of(self, sale_id: str, draw: Draw) -> Sequence[Cluster]:
        if not draw.has_clusters:
            return ()
        origins = await self._clusters.origins(sale_id)
        # A crowd of a million takes seconds, in which boards are to be shown.
        return await asyncio.to_thread(find_clusters, origins)

    def _round(self, draw: Draw, opens_at_ms: int) -> int | None:
        """Return the beacon's round: never one that is known, or nearly, when the root becomes known."""
        if draw.chain is None:
            return None
        planned = draw.chain.round_at(opens_at_ms + BEACON_MARGIN_MS)
        now_ms = self._clock.now_ms()
        if draw.chain.made_at_ms(planned) >= now_ms + BEACON_MARGIN_MS // 2:
            return planned
        return draw.chain.round_at(now_ms + BEACON_MARGIN_MS)

    async def _finish(self, sale_id: str, draw: Draw) -> Draw:
        """Make the order final, if the beacon's round is there or need not be waited for."""
        assert draw.root is not None
        randomness, signature = b"", None
        outcome: Outcome | None = None
        if draw.chain is not None:
            assert draw.round is not None
            made_at_ms = draw.chain.made_at_ms(draw.round)
            if self._clock.now_ms() < made_at_ms:
                return draw
            signature = await self._beacons.ask(draw.chain, draw.round)
            if signature is not None:
                outcome, randomness = "used", randomness_of(draw.chain, draw.round, signature)
            elif self._clock.now_ms() < made_at_ms + draw.wait_ms:
                return draw
            else:
                outcome = "missed"
                log.error("a draw goes on without its beacon", sale=sale_id, round=draw.round)
        secret = await self._records.secret(sale_id)
        digest = bytes.fromhex(draw.clusters.digest) if draw.clusters else None
        seed = seed_of(secret, bytes.fromhex(draw.root), randomness, digest)
        await self._records.finish(
            sale_id, seed, outcome, bytes.fromhex(signature) if signature else None
        )
        fresh = await self._records.get(sale_id)
        assert fresh is not None
        log.info("a draw is made", sale=sale_id, count=fresh.entries, seed=fresh.seed)
        return fresh
