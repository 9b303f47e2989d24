"""What PostgreSQL keeps of a line, so that no loss of Redis gives a place twice or takes one away."""

from dataclasses import dataclass

from groundwork.errors import SaleNotFound
from groundwork.postgres import Pool, connection

# The lane of everybody who belongs to no group; it is called last.
GENERAL = "general"
# How many places are leased at once: some seconds of the fastest crowd, so that PostgreSQL sees a
# write every few seconds and a crash leaves a gap that is quickly passed over.
PLACES_LEASED = 20_000


@dataclass(frozen=True, slots=True)
class Lease:
    """What a lane in a new epoch starts from: see open_line.lua."""

    lane: str
    last_place: int
    leased: int
    ceiling: int
    serving: int


class LineRecords:
    """Reads and writes how far the lanes of a line have come."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def lease_places(
        self, sale_id: str, above: int = 0, lane: str = GENERAL, *, is_held: bool = False
    ) -> Lease:
        """Raise a lane's ceiling by a block and return its lease. Raises SaleNotFound.

        `above` is a place that counts as given, leased or not: the draw gives many at once. When
        the line is held no block is leased, only the lease as it is returned.
        """
        if lane == GENERAL:
            statement = """UPDATE sales
                SET place_ceiling = GREATEST(place_ceiling, %(above)s) + %(block)s
                WHERE sale_id = %(sale_id)s
                RETURNING last_place, place_ceiling - %(block)s, place_ceiling, serving"""
        else:
            statement = """INSERT INTO sale_lanes AS known (sale_id, lane, place_ceiling)
                SELECT sale_id, %(lane)s, %(block)s FROM sales WHERE sale_id = %(sale_id)s
                ON CONFLICT (sale_id, lane) DO UPDATE
                    SET place_ceiling = GREATEST(known.place_ceiling, %(above)s) + %(block)s
                RETURNING last_place, place_ceiling - %(block)s, place_ceiling, serving"""
        block = 0 if is_held else PLACES_LEASED
        values = {"sale_id": sale_id, "above": above, "block": block, "lane": lane}
        async with connection(self._pool) as open_connection:
            row = await (await open_connection.execute(statement, values)).fetchone()
        if row is None:
            raise SaleNotFound
        return Lease(lane, *(int(str(value)) for value in row))

    async def lanes_begun(self, sale_id: str) -> list[str]:
        """Return the lanes besides the general line that have ever given a place."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                "SELECT lane FROM sale_lanes WHERE sale_id = %s ORDER BY lane", (sale_id,)
            )
            return [str(lane) for (lane,) in await cursor.fetchall()]

    async def inside_noted(self, sale_id: str) -> int:
        """Return how many fans were inside when it was last noted. Raises SaleNotFound."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                "SELECT inside FROM sales WHERE sale_id = %s", (sale_id,)
            )
            row = await cursor.fetchone()
        if row is None:
            raise SaleNotFound
        return int(str(row[0]))

    async def note_inside(self, sale_id: str, inside: int) -> None:
        """Make durable how many fans are inside."""
        async with connection(self._pool) as open_connection:
            await open_connection.execute(
                "UPDATE sales SET inside = %s WHERE sale_id = %s AND inside <> %s",
                (inside, sale_id, inside),
            )

    async def note_progress(
        self, sale_id: str, last_place: int, serving: int, lane: str = GENERAL
    ) -> None:
        """Make a lane's progress durable; it never goes back."""
        table = "sales" if lane == GENERAL else "sale_lanes"
        async with connection(self._pool) as open_connection:
            await open_connection.execute(
                f"""UPDATE {table} SET last_place = GREATEST(last_place, %(last_place)s),
                    serving = GREATEST(serving, %(serving)s)
                WHERE sale_id = %(sale_id)s AND (last_place < %(last_place)s OR serving < %(serving)s)
                {"" if lane == GENERAL else "AND lane = %(lane)s"}""",  # noqa: S608 (our own text)
                {"sale_id": sale_id, "last_place": last_place, "serving": serving, "lane": lane},
            )
