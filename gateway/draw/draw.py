"""A draw as everybody may see it, and as the status board tells it."""

from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from gateway.draw.beacon import Chain
from gateway.draw.clusters import Rank
from gateway.draw.order import NAME, Behind, Order, Share
from gateway.draw.seed import index_of, place_of_entry, shared_place

State = Literal["committed", "sealed", "drawn"]
Outcome = Literal["used", "missed"]

# From the opening, or the sealing if that is later, to the beacon's round: fans and witnesses have
# seen the root by then, so nobody could have chosen it knowing the round.
BEACON_MARGIN_MS: Final = 10_000

# One draw as JSON, or NULL, beside each row of sales. The secret is not in it before the order is final.
DRAW_COLUMN: Final = """(SELECT json_build_object(
    'state', state, 'commitment', encode(sha256(secret), 'hex'), 'permutation', permutation,
    'chain', chain, 'wait_ms', beacon_wait_ms, 'entries', entries, 'last_entry', last_entry,
    'root', encode(root, 'hex'), 'sealed_at', sealed_at, 'round', beacon_round,
    'outcome', beacon_outcome, 'signature', encode(beacon_signature, 'hex'),
    'seed', encode(seed, 'hex'), 'drawn_at', drawn_at,
    'clusters', (SELECT json_build_object('digest', encode(digest, 'hex'), 'entries', c.entries,
        'chances', chances, 'histogram', histogram) FROM draw_clusters c WHERE c.sale_id = draws.sale_id),
    'secret', CASE WHEN state = 'drawn' THEN encode(secret, 'hex') END,
    'gaps', coalesce((SELECT json_agg(json_build_array(first_entry, last_entry) ORDER BY first_entry)
        FROM draw_gaps WHERE draw_gaps.sale_id = draws.sale_id), '[]'))
    FROM draws WHERE draws.sale_id = sales.sale_id)::text AS draw"""


class DrawClusters(msgspec.Struct, frozen=True, kw_only=True):
    """The clusters of a sealed draw: their hash, their entries, and how many of these take part."""

    digest: str
    entries: int
    chances: int
    histogram: tuple[Rank, ...]


class Draw(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a sale's draw. `gaps` are runs of entry numbers that nobody has.

    `clusters` come with the sealing, in a draw that has them; the `order` with the seed, from Orders.
    """

    state: State
    commitment: str
    permutation: str
    chain: Chain | None
    wait_ms: int
    entries: int
    last_entry: int
    root: str | None
    sealed_at: datetime | None
    round: int | None
    outcome: Outcome | None
    signature: str | None
    seed: str | None
    drawn_at: datetime | None
    secret: str | None
    gaps: tuple[tuple[int, int], ...]
    clusters: DrawClusters | None = None
    order: Order | None = None

    @property
    def has_clusters(self) -> bool:
        """Whether entries that came together in a rush share their chances in this draw."""
        return self.permutation == NAME

    @property
    def behind(self) -> Behind:
        """Which indexes stand behind."""
        return self.order.behind if self.order else ()

    def place_of(self, entry_number: int, fan_id: str) -> int | None:
        """Return the place that the draw gave; None before it is made."""
        if self.seed is None:
            return None
        seed, gaps = bytes.fromhex(self.seed), merged(self.gaps)
        place = place_of_entry(seed, entry_number, self.entries, gaps, self.behind)
        if place is None:
            return shared_place(seed, fan_id, self.entries - len(self.behind))
        return place

    def share_of(self, entry_number: int) -> Share | None:
        """Return what an entry shares with others of its cluster; None when it has a chance alone."""
        index = index_of(entry_number, self.entries, merged(self.gaps))
        return None if index is None or self.order is None else self.order.share_of(index)

    def beacon_round(self, opens_at_ms: int) -> int | None:
        """Return the round that goes into the seed: as sealed, else as planned by the opening."""
        if self.chain is None or self.round is not None:
            return self.round
        return self.chain.round_at(opens_at_ms + BEACON_MARGIN_MS)

    def on_board(self, opens_at_ms: int) -> "BoardDraw":
        """Return what the board tells."""
        is_sealed = self.state != "committed"
        return BoardDraw(
            state=self.state,
            commitment=self.commitment,
            permutation=self.permutation,
            entries=self.entries,
            count=self.entries if is_sealed else None,
            root=self.root,
            seed=self.seed,
            behind=self.clusters.entries - self.clusters.chances if self.clusters else 0,
            gaps=merged(self.gaps),
            beacon=self._beacon(opens_at_ms),
        )

    def _beacon(self, opens_at_ms: int) -> "BoardBeacon | None":
        number = self.beacon_round(opens_at_ms)
        if self.chain is None or number is None:
            return None
        made_at = datetime.fromtimestamp(self.chain.made_at_ms(number) / 1000, UTC)
        return BoardBeacon(
            name=self.chain.name,
            round=number,
            at=made_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            wait_seconds=self.wait_ms // 1000,
            outcome=self.outcome,
        )


class BoardBeacon(msgspec.Struct, frozen=True, kw_only=True):
    """The beacon's round on the board: when it is made, and how long it is waited for after that."""

    name: str
    round: int
    at: str
    wait_seconds: int
    outcome: Outcome | None


class BoardDraw(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The draw on the board; what is not known yet is left out."""

    state: State
    commitment: str
    permutation: str
    entries: int
    gaps: tuple[tuple[int, int], ...]
    beacon: BoardBeacon | None
    count: int | None = None
    root: str | None = None
    seed: str | None = None
    # How many entries stand behind the others, because clusters share their chances.
    behind: int = 0

    def lacks(self, entry_number: int) -> bool:
        """Whether the number is in nobody's books: its entry was lost with a store."""
        if self.count is None:
            return any(first <= entry_number <= last for first, last in self.gaps)
        return index_of(entry_number, self.count, self.gaps) is None


def merged(gaps: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Return runs that may touch or overlap as runs that do not, in order."""
    runs: list[tuple[int, int]] = []
    for first, last in sorted(gaps):
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        else:
            runs.append((first, last))
    return tuple(runs)


DRAW: Final = msgspec.json.Decoder(Draw | None)
