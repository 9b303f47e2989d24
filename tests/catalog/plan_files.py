"""Small seating plans in the format of pretix, to change and import."""

import copy
import json
from typing import Any

CATEGORIES = [{"name": "Gold", "color": "#fc0"}, {"name": "Silver", "color": "#C0C0C0"}]


def seat(number: int | str, x: float, **other: Any) -> dict[str, Any]:
    return {
        "seat_number": str(number),
        "position": {"x": x, "y": 0},
        "category": "Gold",
        **other,
    }


def row(name: str, y: float, seats: list[dict[str, Any]], **other: Any) -> dict[str, Any]:
    return {"row_number": name, "position": {"x": 0, "y": y}, "seats": seats, **other}


def plan(*rows: dict[str, Any], **other: Any) -> dict[str, Any]:
    """A hall of one zone at (100, 200)."""
    return {
        "name": "Small hall",
        "categories": copy.deepcopy(CATEGORIES),
        "size": {"width": 1000, "height": 800},
        "zones": [{"name": "Stalls", "position": {"x": 100, "y": 200}, "rows": list(rows)}],
        **other,
    }


def whole_plan() -> dict[str, Any]:
    """A plan that uses every key of the format."""
    seats = [
        seat(
            number,
            25 * number,
            seat_guid=f"A-{number}",
            radius=9,
            start_direction="<>",
            uuid=f"u-A-{number}",
        )
        for number in range(1, 5)
    ]
    front = row(
        "A",
        10,
        seats,
        row_label="Row %s",
        seat_label=None,
        row_number_position="both",
        uuid="row-A",
    )
    back = row("B", 40, [seat(n, 25 * n, seat_guid=f"B-{n}", category="Silver") for n in (1, 2)])
    document = plan(front, back)
    document["zones"][0] |= {"zone_id": "stalls", "uuid": "zone-1", "areas": areas()}
    return document


def areas() -> list[dict[str, Any]]:
    text = {"text": "Bühne", "position": {"x": 50, "y": 20}, "color": "#fff", "size": 18}
    look = {"color": "#ddd", "border_color": "rgba(0, 0, 0, 0.5)", "rotation": 0, "uuid": "a"}
    return [
        {"shape": "circle", "position": {"x": 5, "y": 5}, "circle": {"radius": 30}, **look},
        {"shape": "ellipse", "position": {"x": 5, "y": 5}, "ellipse": {"radius": {"x": 3, "y": 4}}},
        {
            "shape": "polygon",
            "position": {"x": 1, "y": 2},
            "polygon": {"points": [{"x": 0, "y": 0}, {"x": 9, "y": 0}, {"x": 0, "y": 9}]},
        },
        {
            "shape": "rectangle",
            "position": {"x": 10, "y": -150},
            "rectangle": {"width": 100, "height": 40},
            "text": text,
            **look,
        },
        {"shape": "text", "position": {"x": 0, "y": 0}, "text": {**text, "text": "Exit"}},
    ]


def raw(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
