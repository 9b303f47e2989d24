"""What operators see of a line and of its pacing."""

from typing import get_args

from gateway import metrics
from gateway.waiting_room.board import RateMeter
from gateway.waiting_room.line_now import Limit, LineNow


def show_line(
    sale_id: str, line: LineNow, called: RateMeter, entered: RateMeter, asked: int
) -> None:
    """Set the gauges of a line. `asked` is the rate the operator asks for now."""
    metrics.FANS_WAITING.labels(sale_id).set(line.waiting)
    metrics.FANS_INSIDE.labels(sale_id).set(line.inside)
    metrics.FANS_AT_TURNSTILE.labels(sale_id, "token").set(line.at_turnstile)
    metrics.FANS_AT_TURNSTILE.labels(sale_id, "room").set(line.late)
    metrics.LINE_SERVING.labels(sale_id).set(line.serving)
    metrics.LINE_LAST_PLACE.labels(sale_id).set(line.last_place)
    metrics.CALL_RATE_PER_MINUTE.labels(sale_id).set(called.per_minute() or 0)
    metrics.ADMISSION_RATE_PER_MINUTE.labels(sale_id).set(entered.per_minute() or 0)
    metrics.ADMISSION_RATE_ASKED_PER_MINUTE.labels(sale_id).set(asked)
    metrics.NO_SHOW_PART.labels(sale_id).set(line.no_show)
    metrics.SHOP_HEALTH_PART.labels(sale_id).set(line.health)
    for limit in get_args(Limit):
        metrics.PACING_LIMIT.labels(sale_id, limit).set(limit == line.limit)
