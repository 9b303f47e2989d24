"""Places that are moved from one device to another: Redis decides each, PostgreSQL keeps them."""

from contextlib import suppress
from typing import Final

from gateway.waiting_room.line_records import GENERAL
from gateway.waiting_room.moved_places import MovedPlaces, field_of
from groundwork.errors import MoveLinkInvalid, MoveRefused, StoreUnavailable, TicketMoved
from groundwork.postgres import Pool, connection
from groundwork.tokens import MoveClaims
from lua import LuaScript
from lua.epochs import Epochs
from lua.keys import sale_keys

# As many as one command carries well; a sale has a few for each thousand fans.
FIELDS_AT_ONCE_MAX: Final = 1_000


class Moves:
    """Moves places, and knows whose were moved; `known` says it without asking the store."""

    def __init__(self, epochs: Epochs, known: MovedPlaces) -> None:
        self.known = known
        self._epochs = epochs
        self._move_place = LuaScript("move_place")

    async def move(self, link: MoveClaims, to_fan_id: str) -> None:
        """Make the link's place the fan's; asked again for the same fan, it is theirs already.

        Raises MoveLinkInvalid, reason: used, own-device; MoveRefused, reason: inside, used.
        """
        lane = link.lane or GENERAL
        answer = await self._epochs.run(
            self._move_place,
            ("sale", link.sale_id),
            sale_keys(link.sale_id),
            {
                "now_ms": "",
                "fan_id": link.fan_id,
                "to_fan_id": to_fan_id,
                "lane": lane,
                "place": "" if link.place is None else link.place,
            },
        )
        match answer:
            case ["moved"] | ["moved_before"]:
                # Before anybody has the new ticket: a place that was moved is moved in every epoch.
                await self._note(link, lane, to_fan_id)
            case ["gone", "elsewhere"]:
                raise MoveLinkInvalid("used")
            case ["gone", "back"]:
                raise MoveLinkInvalid("own-device")
            case ["kept", str(why)]:
                raise MoveRefused(why)
            case _:
                raise AssertionError(f"move_place.lua broke its contract: {answer!r}")

    async def moved_to(self, sale_id: str, fan_id: str, lane: str | None) -> str | None:
        """Return whose the fan's place in the lane is at this moment; None if it was never moved.

        While Redis is away everybody keeps their place. Entering asks again.
        """
        key = sale_keys(sale_id)["moved"]
        with suppress(StoreUnavailable):
            found: str | None = await self._epochs.store.call("HGET", key, field_of(fan_id, lane))
            return found
        return None

    async def refuse_moved(self, sale_id: str, fan_id: str, lane: str | None) -> None:
        """Raise TicketMoved if the fan's place in the lane is another's by now, see `moved_to`."""
        if await self.moved_to(sale_id, fan_id, lane) is not None:
            raise TicketMoved

    async def _note(self, link: MoveClaims, lane: str, to_fan_id: str) -> None:
        async with connection(self._epochs.pool) as open_connection:
            await open_connection.execute(
                """INSERT INTO moved_places (sale_id, lane, fan_id, moved_to)
                VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING""",
                (link.sale_id, lane, link.fan_id, to_fan_id),
            )
        self.known.note(link.sale_id, link.fan_id, lane, to_fan_id)


async def restore_moved(epochs: Epochs, pool: Pool, sale_id: str) -> None:
    """Tell Redis which places were moved. What is told is never taken back, so it may be repeated."""
    async with connection(pool) as open_connection:
        cursor = await open_connection.execute(
            "SELECT lane || '/' || fan_id, moved_to FROM moved_places WHERE sale_id = %s",
            (sale_id,),
        )
        rows = await cursor.fetchall()
    for start in range(0, len(rows), FIELDS_AT_ONCE_MAX):
        fields = [str(part) for row in rows[start : start + FIELDS_AT_ONCE_MAX] for part in row]
        await epochs.store.call("HSET", sale_keys(sale_id)["moved"], *fields)
