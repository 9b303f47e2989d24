"""Faults of the wires between us and what we stand on: answers lost, slow, silent, unreachable."""

import re
from typing import Final

from onsale.prove.faults import Harm, NotFired, fault
from onsale.prove.wire import Loses, Wire

# What PostgreSQL answers when orders were sold, when some were claimed, and when rows were changed: the
# messages on the wire (type, length, columns, values), so that just these answers get lost.
SOLD: Final = re.compile(rb"D....\x00\x19\x00\x00\x00\x04SOLD", re.DOTALL)
CLAIMED: Final = re.compile(rb"D....\x00\x1a\x00\x00\x00\x07claimed", re.DOTALL)
CHANGED: Final = re.compile(rb"C\x00\x00\x00.UPDATE [1-9][0-9]*\x00", re.DOTALL)
# Answers lost each time the fault is drawn.
LOSSES = 3


async def answers_lost(harm: Harm, wire: Wire, loses: Loses) -> str:
    """Lose some answers, each with its connection, after what was asked for has been done."""
    before = wire.lost
    wire.loses = loses
    try:
        await harm.until(lambda: wire.lost - before >= LOSSES)
    except NotFired:
        if wire.lost == before:
            raise
    finally:
        wire.heal()
    return f"{wire.lost - before} answers"


@fault("redis-answer-lost")
async def redis_answer_lost(harm: Harm) -> str:
    """A script ran, and nobody hears of it."""
    return await answers_lost(harm, harm.house.wires["redis"], lambda _: harm.rng.random() < 0.1)


@fault("sale-answer-lost")
async def sale_answer_lost(harm: Harm) -> str:
    """The COMMIT of a sale was done, and whoever asked for it never hears of it."""
    return await answers_lost(
        harm, harm.house.wires["postgres"], lambda chunk: bool(SOLD.search(chunk))
    )


@fault("claim-answer-lost")
async def claim_answer_lost(harm: Harm) -> str:
    """The COMMIT of a claim was done, and nobody hears of it."""
    return await answers_lost(
        harm, harm.house.wires["postgres"], lambda chunk: bool(CLAIMED.search(chunk))
    )


@fault("change-answer-lost")
async def change_answer_lost(harm: Harm) -> str:
    """Some other COMMIT was done, and nobody hears of it."""
    return await answers_lost(
        harm,
        harm.house.wires["postgres"],
        lambda chunk: bool(CHANGED.search(chunk)) and harm.rng.random() < 0.2,
    )


@fault("provider-answer-lost")
async def provider_answer_lost(harm: Harm) -> str:
    """The provider did what it was told, and we never hear of it."""
    return await answers_lost(harm, harm.house.wires["provider"], lambda _: harm.rng.random() < 0.3)


async def slow(harm: Harm, name: str, delay_ms: tuple[int, int]) -> str:
    """Let every message take longer."""
    wire = harm.house.wires[name]
    wire.delay_ms = harm.rng.randint(*delay_ms)
    delay = wire.delay_ms
    try:
        await harm.last((2_000, 5_000))
    finally:
        wire.heal()
    return f"{delay} ms each way"


@fault("redis-slow")
async def redis_slow(harm: Harm) -> str:
    """Redis is far away."""
    return await slow(harm, "redis", (50, 600))


@fault("postgres-slow")
async def postgres_slow(harm: Harm) -> str:
    """PostgreSQL is far away."""
    return await slow(harm, "postgres", (50, 400))


@fault("provider-slow")
async def provider_slow(harm: Harm) -> str:
    """The provider is far away, at times farther than we wait."""
    return await slow(harm, "provider", (500, 3_500))


async def silent(harm: Harm, name: str) -> str:
    """Let nothing through, and tell nobody."""
    wire = harm.house.wires[name]
    wire.mute()
    try:
        await harm.last((1_500, 7_000))
    finally:
        wire.heal()
    return f"wire to {name}"


@fault("redis-silent")
async def redis_silent(harm: Harm) -> str:
    """Connections to Redis are half open; later what was sent arrives after all."""
    return await silent(harm, "redis")


@fault("postgres-silent")
async def postgres_silent(harm: Harm) -> str:
    """Connections to PostgreSQL are half open."""
    return await silent(harm, "postgres")


@fault("provider-silent")
async def provider_silent(harm: Harm) -> str:
    """Connections to the provider are half open."""
    return await silent(harm, "provider")


async def unreachable(harm: Harm, name: str) -> str:
    """Reset all connections and take no new ones for a while."""
    wire = harm.house.wires[name]
    wire.is_refusing = True
    count = wire.cut()
    try:
        await harm.last()
    finally:
        wire.heal()
    return f"{count} connections reset"


@fault("redis-unreachable")
async def redis_unreachable(harm: Harm) -> str:
    """Redis runs, and nobody gets there."""
    return await unreachable(harm, "redis")


@fault("postgres-unreachable")
async def postgres_unreachable(harm: Harm) -> str:
    """PostgreSQL runs, and nobody gets there."""
    return await unreachable(harm, "postgres")


@fault("provider-unreachable")
async def provider_unreachable(harm: Harm) -> str:
    """The provider takes no connection."""
    return await unreachable(harm, "provider")


@fault("connections-reset")
async def connections_reset(harm: Harm) -> str:
    """All connections to both stores are reset, again and again."""
    count = 0
    for _ in range(5):
        count += harm.house.wires["redis"].cut() + harm.house.wires["postgres"].cut()
        await harm.last((100, 600))
    return f"{count} connections reset"
