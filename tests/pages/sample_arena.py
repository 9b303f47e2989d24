"""An arena of 5,000 seats, made up, as the interface gives it."""

import base64
import math
import random
from typing import Any

from tests.pages.sample_shop import TIERS


def arena_plan() -> dict[str, Any]:
    """5,000 seats in ten blocks around a stage."""
    seats: dict[str, list[Any]] = {
        key: [] for key in ("seat_id", "tier", "section", "row", "number", "x", "y", "accessible")
    }
    sections = [f"Block {letter}" for letter in "ABCDEFGHIJ"]
    for section in range(10):
        ring, part = divmod(section, 5)
        for row in range(20):
            radius = 420 + ring * 620 + row * 26
            for number in range(25):
                angle = math.radians(18 + part * 29.5 + (number + 0.5) * 26 / 25)
                index = len(seats["x"])
                tier = arena_tier(ring, part, row)
                seats["seat_id"].append(f"{sections[section][-1]}-{row + 1}-{number + 1}")
                seats["tier"].append(tier)
                seats["section"].append(section)
                seats["row"].append(str(row + 1))
                seats["number"].append(str(number + 1))
                seats["x"].append(round(1600 - radius * math.cos(angle)))
                seats["y"].append(round(160 + radius * math.sin(angle)))
                if row == 19 and number in (0, 1, 23, 24):
                    seats["accessible"].append(index)
    seats_of_note = {
        "companions": [index + 2 for index in seats["accessible"][::4]],
        "restricted_views": {"0": "a pillar stands to the left"},
    }
    stage = {
        "shape": "rectangle",
        "position": {"x": 1280, "y": 120},
        "rotation": 0,
        "rectangle": {"width": 640, "height": 190},
        "text": {"text": "Stage", "position": {"x": 320, "y": 95}, "size": 60},
    }
    return {
        "event_id": "demo-arena",
        "size": {"width": 3200, "height": 2000},
        "focal_point": {"x": 1600, "y": 200},
        "areas": [stage],
        "sections": [{"name": name} for name in sections],
        "tiers": [tier.tier for tier in TIERS],
        "seats": seats | seats_of_note,
    }


def arena_tier(ring: int, part: int, row: int) -> int:
    """The middle of the front is the dearest, the sides of the back are the cheapest."""
    is_side = part in (0, 4)
    if ring == 0:
        return 0 if row < 8 and not is_side else 1
    return 3 if is_side else 2


def arena_codes(seats: int = 5000, seed: int = 7) -> list[int]:
    """What each seat of a hall is: 0 free, 1 held, 2 sold, 3 blocked."""
    return random.Random(seed).choices((0, 1, 2, 3), (62, 8, 28, 2), k=seats)


def snapshot(codes: list[int], seq: int = 1) -> dict[str, Any]:
    packed = bytearray((len(codes) + 3) // 4)
    for index, code in enumerate(codes):
        packed[index // 4] |= code << (2 * (index % 4))
    return {
        "event_id": "demo-arena",
        "epoch": 1,
        "seq": seq,
        "count": len(codes),
        "status": base64.b64encode(bytes(packed)).decode(),
        "stock": [],
    }
