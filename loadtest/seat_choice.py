"""Looks at a seat snapshot as a fan does and picks free neighbours."""

import base64
import random
from collections.abc import Mapping, Sequence
from typing import Any

FREE = 0
# How many starting points a fan tries before looking at every free seat.
GLANCES = 40


def free_indexes(snapshot: Mapping[str, Any]) -> list[int]:
    """Return the indexes of the free seats: two bits a seat, four seats a byte, low bits first."""
    packed = base64.b64decode(snapshot["status"])
    return [
        index
        for index in range(snapshot["count"])
        if (packed[index >> 2] >> 2 * (index & 3)) & 3 == FREE
    ]


def pick_neighbours(free: Sequence[int], wanted: int, rng: random.Random) -> list[int]:
    """Return `wanted` indexes that follow each other where possible; fewer when fewer are free."""
    if len(free) <= wanted:
        return list(free)
    for _ in range(GLANCES):
        start = rng.randrange(len(free) - wanted + 1)
        run = list(free[start : start + wanted])
        if run[-1] - run[0] == wanted - 1:
            return run
    return rng.sample(list(free), wanted)
