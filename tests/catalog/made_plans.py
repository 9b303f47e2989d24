"""Plans in the format of pretix as Hypothesis makes them: every key, in and out of order."""

from typing import Any

from hypothesis import strategies as st

CATEGORIES = [{"name": "Gold", "color": "#fc0"}, {"name": "Silver"}, {"name": "Rollstuhl"}]

numbers = st.integers(-2_000, 2_000) | st.floats(-2_000, 2_000).map(lambda one: round(one, 2))
points = st.fixed_dictionaries({"x": numbers, "y": numbers})
lengths = st.integers(0, 500)
names = st.sampled_from(["A", "B", "12", "Loge 1", "Ränge", "", " padded "])
ids = st.sampled_from(["A-1", "A-2", "x", " y ", "", "ü-9", "z1-r1-s1", "1-1-A"])
colors = st.sampled_from(["", "#abc", "#a1b2c3", "red", "rgba(1, 2, 3, 0.5)"])
texts = st.fixed_dictionaries(
    {"text": st.sampled_from(["Bühne", "Exit", " "]), "position": points},
    optional={"color": colors, "size": st.integers(1, 40)},
)


def shaped(shape: str, what: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"shape": st.just(shape), shape: what},
        optional={
            "position": points,
            "color": colors,
            "border_color": colors,
            "rotation": st.integers(-360, 360),
            "uuid": ids,
        }
        | ({} if shape == "text" else {"text": texts}),
    )


areas = st.one_of(
    shaped("circle", st.fixed_dictionaries({"radius": lengths})),
    shaped(
        "ellipse",
        st.fixed_dictionaries({"radius": st.fixed_dictionaries({"x": lengths, "y": lengths})}),
    ),
    shaped("rectangle", st.fixed_dictionaries({"width": lengths, "height": lengths})),
    shaped("polygon", st.fixed_dictionaries({"points": st.lists(points, max_size=6)})),
    shaped("text", texts),
)
seats = st.fixed_dictionaries(
    {
        "seat_number": names,
        "position": points,
        "category": st.sampled_from([one["name"] for one in CATEGORIES]),
    },
    optional={
        "seat_guid": ids | st.none(),
        "uuid": ids | st.none(),
        "radius": lengths,
        "start_direction": st.sampled_from(["<", ">", "<>", "", None]),
    },
)
rows = st.fixed_dictionaries(
    {"row_number": names, "seats": st.lists(seats, max_size=6)},
    optional={
        "position": points,
        "row_label": names | st.none(),
        "seat_label": names | st.none(),
        "row_number_position": st.sampled_from(["start", "end", "both", "", None]),
        "uuid": ids,
    },
)
zones = st.fixed_dictionaries(
    {"position": points, "rows": st.lists(rows, max_size=4)},
    optional={
        "name": names | st.none(),
        "zone_id": names,
        "uuid": ids,
        "areas": st.lists(areas, max_size=3),
    },
)
plans = st.fixed_dictionaries(
    {
        "name": names,
        "categories": st.just(CATEGORIES),
        "size": st.just({"width": 900, "height": 700}),
        "zones": st.lists(zones, min_size=1, max_size=4),
    }
).filter(lambda plan: any(row["seats"] for zone in plan["zones"] for row in zone["rows"]))
