"""Wrote cluster_vectors.json, once. It never changes again: it is what the names in it mean."""

import hashlib
import json
from pathlib import Path

from gateway.draw import order
from gateway.draw.clusters import Cluster, Tally, chances_of, digest_of, histogram, packed
from gateway.draw.order import behind_of
from gateway.draw.roster import leaf_of, root_of
from gateway.draw.seed import place_of_entry, seed_of, shared_place

# Size and floor; thousandths of a power of ten are where roundings differ.
SIZES = ((1, 8), (8, 8), (9, 8), (999, 8), (1_000, 8), (1_023, 8), (1_024, 8), (1_025, 8),
         (5_000, 8), (5_000, 40), (59_048, 8), (59_049, 8), (1_000_000, 8), (2**24, 8))  # fmt: skip
COUNT = 60
GAPS = ((11, 14), (80, 90))


def vectors() -> dict[str, object]:
    """Return the vectors that this code makes."""
    clusters = [Cluster(8, tuple(range(2, 42, 2))), Cluster(9, (3, *range(43, 53)))]
    content = packed(clusters)
    numbers = [number for number in range(1, COUNT + 5) if not 11 <= number <= 14]
    secret, randomness = hashlib.sha256(b"a secret").digest(), hashlib.sha256(b"a round").digest()
    root = root_of([leaf_of("tour", number, f"f_fan-{number}") for number in numbers])
    seed = seed_of(secret, root, randomness, digest_of(content))
    behind = behind_of(seed, clusters)
    return {
        "permutation": order.NAME,
        "chances": [
            {"size": size, "floor": floor, "chances": chances_of(size, floor)}
            for size, floor in SIZES
        ],
        "draw": {
            "sale": "tour",
            "secret": secret.hex(),
            "root": root.hex(),
            "count": COUNT,
            "gaps": GAPS,
            "clusters": content.hex(),
            "digest": digest_of(content).hex(),
            "entries": Tally.of(clusters).entries,
            "chances": Tally.of(clusters).chances,
            "histogram": histogram(clusters),
            "randomness": randomness.hex(),
            "seed": seed.hex(),
            "seed_without_beacon": seed_of(secret, root, clusters=digest_of(content)).hex(),
            "behind": list(behind),
            "places": [
                [number, place_of_entry(seed, number, COUNT, GAPS, behind)] for number in numbers
            ],
            "lost": {
                "fan_id": "f_lost",
                "place": shared_place(seed, "f_lost", COUNT - len(behind)),
            },
        },
    }


if __name__ == "__main__":
    text = json.dumps(vectors(), indent=1)
    Path(__file__).with_name("cluster_vectors.json").write_text(text + "\n")
