"""watch_stock: one asks, all know; and a sale is sold out for all of them or for none."""

from stock_in_redis import EVERY_MS, REST_MS, SETTLE_MS, STAY_MS, Watched, watch

from tests.simulation.line_in_redis import LineInRedis


async def test_one_is_told_to_ask_and_the_others_leave_it_to_them(open_line: LineInRedis) -> None:
    assert (await watch(open_line, may_ask=0)).asks is False, "who cannot ask is not told to"
    assert (await watch(open_line)).asks is True
    assert (await watch(open_line)).asks is False

    open_line.now += 5_999
    assert (await watch(open_line)).asks is False
    open_line.now += 1
    assert (await watch(open_line)).asks is True, "who was told to ask has not come back"


async def test_what_one_was_told_all_know(open_line: LineInRedis) -> None:
    assert await watch(open_line) == Watched(True, "", "", 0, 0, False)

    told = await watch(open_line, '{"a":1}', left=90, taken=10)
    assert told == Watched(False, '{"a":1}', "90", 0, 0, False)
    open_line.now += 300
    assert await watch(open_line, may_ask=0) == Watched(False, '{"a":1}', "90", 0, 300, False)
    open_line.now += EVERY_MS - 300
    assert (await watch(open_line)).asks is True
    told = await watch(open_line, '{"a":2}', left=84, taken=16)
    assert (told.reading, told.left, told.taken) == ('{"a":2}', "84", 6), "taken since the first"


async def test_repeating_a_reading_says_the_same(open_line: LineInRedis) -> None:
    first = await watch(open_line, "{}", left=5, taken=0)
    assert await watch(open_line, "{}", left=5, taken=0) == first


async def test_a_sale_that_never_was_anything_else_is_sold_out_at_once(
    open_line: LineInRedis,
) -> None:
    assert (await watch(open_line, "{}", left=0, taken=9)).is_sold_out is True


async def sold_out_line(line: LineInRedis) -> None:
    """A line that has just been shown as sold out."""
    await watch(line, "{}", left=1, taken=0)
    line.now += STAY_MS
    await watch(line, "{}", left=0, taken=1)
    line.now += SETTLE_MS
    assert (await watch(line, may_ask=0)).is_sold_out is True


async def test_the_last_seat_must_stay_gone_for_a_while(open_line: LineInRedis) -> None:
    await watch(open_line, "{}", left=1, taken=0)
    assert (await watch(open_line, "{}", left=0, taken=1)).is_sold_out is False
    open_line.now += SETTLE_MS - 1
    assert (await watch(open_line)).is_sold_out is False
    assert (await watch(open_line, "{}", left=1, taken=0)).is_sold_out is False, "it came back"

    open_line.now += 1
    assert (await watch(open_line, "{}", left=0, taken=1)).is_sold_out is False, "gone anew"
    open_line.now += SETTLE_MS
    assert (await watch(open_line)).is_sold_out is True


async def test_a_returned_seat_opens_the_sale_again_but_not_for_a_blink(
    open_line: LineInRedis,
) -> None:
    await sold_out_line(open_line)
    assert (await watch(open_line, "{}", left=2, taken=0)).is_sold_out is True
    open_line.now += SETTLE_MS
    assert (await watch(open_line)).is_sold_out is True, "what is shown stays for a while"

    open_line.now += STAY_MS - SETTLE_MS - 1
    assert (await watch(open_line)).is_sold_out is True
    open_line.now += 1
    assert (await watch(open_line)).is_sold_out is False
    await watch(open_line, "{}", left=0, taken=2)
    open_line.now += SETTLE_MS
    assert (await watch(open_line)).is_sold_out is False, "and this, too"
    open_line.now += STAY_MS
    assert (await watch(open_line)).is_sold_out is True


async def test_a_shop_that_does_not_answer_leaves_things_as_they_were_shown(
    open_line: LineInRedis,
) -> None:
    await sold_out_line(open_line)
    open_line.now += 3_600_000
    seen = await watch(open_line)
    assert (seen.is_sold_out, seen.asks, seen.left) == (True, True, "0")
    assert seen.age_ms == 3_600_000 + SETTLE_MS


async def test_a_shop_that_tells_nothing_is_never_sold_out(open_line: LineInRedis) -> None:
    await sold_out_line(open_line)
    open_line.now += STAY_MS
    assert (await watch(open_line, "null", left="", taken="")).is_sold_out is True
    open_line.now += SETTLE_MS
    seen = await watch(open_line)
    assert (seen.reading, seen.left, seen.taken, seen.is_sold_out) == ("null", "", 0, False)


async def test_a_reading_is_good_for_as_long_as_who_looks_says(open_line: LineInRedis) -> None:
    await watch(open_line, "{}", left=3, taken=0)
    open_line.now += 60_000
    assert (await watch(open_line, every_ms=60_001)).asks is False
    assert (await watch(open_line, every_ms=60_000)).asks is True


async def test_a_shop_that_is_to_be_left_alone_is_not_asked_before(open_line: LineInRedis) -> None:
    assert (await watch(open_line)).asks is True
    await watch(open_line, "null", rest_ms=REST_MS)
    for _ in range(REST_MS // 500 - 1):
        open_line.now += 500
        assert (await watch(open_line, rest_ms=REST_MS)).asks is False
    open_line.now += 500
    assert (await watch(open_line, rest_ms=REST_MS)).asks is True


async def test_a_clock_that_steps_back_stops_nothing(open_line: LineInRedis) -> None:
    await sold_out_line(open_line)
    open_line.now -= 3_600_000
    assert (await watch(open_line)).asks is True
    assert (await watch(open_line)).asks is False
    await watch(open_line, "{}", left=3, taken=0)
    open_line.now += STAY_MS
    assert (await watch(open_line)).is_sold_out is False


async def test_who_only_looks_writes_nothing(open_line: LineInRedis) -> None:
    await watch(open_line, "{}", left=3, taken=0)
    dirty = await changes(open_line)
    for _ in range(5):
        open_line.now += 10
        await watch(open_line, may_ask=0)
    assert await changes(open_line) == dirty


async def changes(line: LineInRedis) -> int:
    """How many changes the server has counted since it last saved."""
    info = await line.call.store.call("INFO", "persistence")
    text = info if isinstance(info, str) else str(info)
    found = text.partition("rdb_changes_since_last_save")[2]
    return int("".join(each for each in found[:20] if each.isdigit()))
