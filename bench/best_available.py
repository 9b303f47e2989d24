"""Best available: four together, chosen and held among 20,000, from an empty house to a full one."""

from collections.abc import Iterator, Sequence

import msgspec

from bench.http_client import request
from bench.installation import Installation
from bench.material import SEATS_PER_FAN, Signatures, looks
from bench.paths import against, ask_all, floor, ours
from bench.report import Row
from bench.rounds import Plan, take_turns

QUANTITY = 4
# The rest are accessible places, and the last few seats that are four nowhere.
SOLD_PART = 0.95


async def measure_best(
    installation: Installation, event_ids: Sequence[str], seats: int, plan: Plan
) -> Row:
    """Measure holds of the best four, one event after the other, against one script call."""
    signatures = Signatures(installation)
    per_event = round(seats * SOLD_PART) // QUANTITY
    passes = signatures.passes(per_event * QUANTITY // SEATS_PER_FAN + 1)
    port = installation.gateway_port
    await ask_all(installation, looks(port, event_ids[0], passes), 200)
    script = floor(installation, "F2", "/script")
    # Made before they are timed.
    asked = list(best_four(port, event_ids, passes, per_event))
    best = ours(installation, "best_available", iter(asked), 201)
    await take_turns([script, best], plan)
    return against(
        best, script, 0.25, note=f"the best {QUANTITY} together among {seats:,}, pass seen before"
    )


def best_four(
    port: int, event_ids: Sequence[str], passes: Sequence[str], per_event: int
) -> Iterator[bytes]:
    """Yield requests for the best four of each event, a fan's two after each other."""
    per_fan = SEATS_PER_FAN // QUANTITY
    for event_id in event_ids:
        wish = {"event_id": event_id, "best_available": {"quantity": QUANTITY}}
        body = msgspec.json.encode(wish)
        for number in range(per_event):
            yield request(
                "POST",
                "/api/bookings/reserve",
                port,
                headers=f"Authorization: Bearer {passes[number // per_fan]}\r\n",
                body=body,
            )
