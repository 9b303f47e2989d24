"""Time zones by their IANA names: which there are, and how the one of a moment is written."""

from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

# Files in the folder of zones that are no zones: the machine's own one, and a sign that none is set.
NO_ZONES: Final = frozenset(("localtime", "Factory"))


def is_time_zone(name: str) -> bool:
    """Say whether there is a zone of this name, such as Europe/Berlin."""
    return name == "UTC" or name in _known()


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones()) - NO_ZONES


@cache
def zone_of(name: str) -> tzinfo:
    """Return the zone of this name; UTC where this machine does not know it.

    A zone that is newer than the machine must not stop pages and tickets: they say UTC then.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def zone_word(at: datetime) -> str:
    """Return the name of the zone at this moment, CEST; UTC-03 of a zone that has only a number."""
    name = at.tzname() or "UTC"
    return f"UTC{name}" if name[0] in "+-" else name
