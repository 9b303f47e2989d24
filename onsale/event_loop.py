"""Runs a server's coroutine on the fastest event loop there is."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
# A request makes some hundred objects, and nearly all are gone with it: by the usual 700 the collector
# runs for every few requests and took a twelfth of a join. 20,000 are some megabytes.
COLLECT_AFTER_OBJECTS = 20_000


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run on uvloop where it is installed: the same, a good deal faster."""
    # What was imported stays for good: the collector need not walk over it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS)
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)
