"""The parts of the draw, put together for one process."""

from dataclasses import dataclass
from typing import Self

from gateway.draw.cluster_records import ClusterRecords
from gateway.draw.drand import Drand
from gateway.draw.drawing import Drawing
from gateway.draw.entries import Entries
from gateway.draw.receipts import Receipts
from gateway.draw.records import DrawRecords
from gateway.settings import GatewaySettings
from groundwork.clock import Clock
from lua.epochs import Epochs


@dataclass(frozen=True, slots=True)
class DrawParts:
    """What a process needs of the draw."""

    entries: Entries
    receipts: Receipts
    clusters: ClusterRecords
    drawing: Drawing

    @classmethod
    def made(cls, epochs: Epochs, settings: GatewaySettings, clock: Clock) -> Self:
        """Return them on these stores."""
        records = DrawRecords(epochs.pool)
        entries = Entries(epochs, records)
        clusters = ClusterRecords(epochs.pool)
        drawing = Drawing(entries, records, clusters, Drand(settings.drand_servers), clock)
        return cls(entries, Receipts(records), clusters, drawing)
