"""What is counted soon is counted, once, and with one timer."""

import asyncio
from contextlib import suppress

import pytest

from groundwork import access_log, counted_soon
from groundwork.counted_soon import tell_counts
from groundwork.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS


async def test_what_is_counted_soon_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    tell_counts()
    monkeypatch.setattr(counted_soon, "TOLD_EVERY_SECONDS", 0.01)
    counts = access_log.RouteCounts("gateway", "/soon")
    seconds = HTTP_REQUEST_SECONDS.labels("gateway", "/soon")
    for took in (0.0, 0.001, 0.3, 7.0, 100.0):
        for noted in (counts.note, counts.note_soon):
            noted(503, took, "GET", "x")
    assert HTTP_REQUESTS.labels("gateway", "/soon", "503")._value.get() == 5
    await asyncio.sleep(0.05)
    assert HTTP_REQUESTS.labels("gateway", "/soon", "503")._value.get() == 10
    assert seconds._sum.get() == pytest.approx(2 * 107.301)
    assert {each.get() % 2 for each in seconds._buckets} == {0}
    assert sum(each.get() for each in seconds._buckets) == 10


async def test_scrapes_leave_no_timers_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    tell_counts()
    monkeypatch.setattr(counted_soon, "TOLD_EVERY_SECONDS", 0.05)
    seconds = HTTP_REQUEST_SECONDS.labels("gateway", "/timers")
    for _ in range(20):
        counted_soon.observe_soon(seconds, value=0.1)
        tell_counts()
    counted_soon.observe_soon(seconds, value=0.1)
    loop = asyncio.get_running_loop()
    due = [each for each in loop._scheduled if not each.cancelled()]  # type: ignore[attr-defined]
    assert len([each for each in due if each._callback is tell_counts]) == 1


async def test_what_cannot_be_told_does_not_tell_the_rest_twice() -> None:
    tell_counts()
    good = HTTP_REQUESTS.labels("gateway", "/once", "200")
    counted_soon.count_soon(good)
    at_once = counted_soon.CountedSoon(HTTP_REQUESTS.labels("gateway", "/at-once", "200"))
    broken = counted_soon.CountedSoon(HTTP_REQUESTS)  # lacks its labels
    for each in (at_once, broken):
        each.add()
    with pytest.raises(ValueError, match="label count"):
        counted_soon.count_soon(HTTP_REQUESTS, "too", "few")
    for _ in range(3):
        with suppress(ValueError):
            tell_counts()
    assert good._value.get() == 1
    at_once.add()
    with suppress(ValueError):
        tell_counts()
    assert HTTP_REQUESTS.labels("gateway", "/at-once", "200")._value.get() == 2
