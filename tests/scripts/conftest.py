"""A server with all scripts loaded, an empty event and line for each test, and the count of answers."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from groundwork.redis_store import RedisStore, open_store
from lua import read_source, script_names
from tests.simulation.line_in_redis import LineInRedis
from tests.simulation.script_caller import ScriptCaller, words_seen
from tests.simulation.seats_in_redis import SeatsInRedis

RETURNS = re.compile(r"\nRETURNS\n(.*?)\n\n", re.DOTALL)


def promised_words(name: str) -> set[str]:
    """Return the first words of all answers that a script's header lists."""
    found = RETURNS.search(read_source(name))
    assert found, f"lua/{name}.lua has no RETURNS"
    return set(re.findall(r"\{'(\w+)'", found[1]))


@pytest.fixture(scope="session")
async def any_store(any_redis_url: str) -> AsyncIterator[RedisStore]:
    async with open_store(any_redis_url) as store:
        yield store


@pytest.fixture(scope="session")
async def loaded(any_store: RedisStore) -> ScriptCaller:
    caller = ScriptCaller(any_store)
    await caller.load()
    return caller


@pytest.fixture
async def call(loaded: ScriptCaller) -> ScriptCaller:
    await loaded.store.call("FLUSHDB")
    return loaded


@pytest.fixture
async def event(call: ScriptCaller) -> SeatsInRedis:
    """An event that is not loaded yet."""
    return SeatsInRedis(call, "tour-berlin")


@pytest.fixture
async def hall(event: SeatsInRedis) -> SeatsInRedis:
    """Two rows of ten in tier `front`, two of five in tier `back`, and 20 `standing`."""
    blocks = {"front": [(0, 10), (10, 10)], "back": [(20, 5), (25, 5)]}
    assert await event.activate("0" * 30, blocks, {"standing": 20}) == ["activated"]
    return event


@pytest.fixture
async def line(call: ScriptCaller) -> LineInRedis:
    """A line that is not open yet."""
    return LineInRedis(call, "tour")


@pytest.fixture
async def open_line(line: LineInRedis) -> LineInRedis:
    assert (await line.open())[0] == "opened"
    return line


@pytest.fixture(scope="session", autouse=True)
def every_promised_answer_was_seen(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail at the end when a script promises an answer that no test here ever got."""
    yield
    folder = Path(__file__).parent
    chosen = {Path(item.fspath).name for item in request.session.items}
    is_whole = {path.name for path in folder.glob("test_*.py")} <= chosen
    options = request.config.option
    is_picked = options.keyword or any("::" in argument for argument in request.config.args)
    if not is_whole or is_picked or request.session.testsfailed:
        return
    unseen = {name: promised_words(name) - words_seen[name] for name in script_names()}
    unseen = {name: words for name, words in unseen.items() if words}
    assert not unseen, f"answers that RETURNS promises and no test got: {unseen}"
