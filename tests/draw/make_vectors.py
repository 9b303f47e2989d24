"""Wrote vectors.json, once. It never changes again: it is what the names in it mean."""

import hashlib
import json
from pathlib import Path

from gateway.draw import permutation
from gateway.draw.permutation import permute
from gateway.draw.roster import leaf_of, levels_of, path_in, root_of
from gateway.draw.seed import commitment_of, index_of, seed_of, shared_place

COUNTS = (1, 2, 3, 10, 4_095, 4_096, 4_097, 65_536, 1_000_000, 2**32)


def vectors() -> dict[str, object]:
    """Return the vectors that this code makes."""
    seed = hashlib.sha256(b"a seed").digest()
    permuted = [
        {"seed": key.hex(), "count": count, "index": index, "becomes": permute(key, index, count)}
        for key in (seed, bytes(32))
        for count in COUNTS
        for index in sorted({0, count // 3, count - 1})
    ]
    entries = [(number, f"f_fan-{number}") for number in (1, 2, 3, 7, 8, 20_001, 20_002)]
    gaps = [(4, 6), (9, 20_000)]
    leaves = [leaf_of("tour", number, fan) for number, fan in entries]
    secret, randomness = hashlib.sha256(b"a secret").digest(), hashlib.sha256(b"a round").digest()
    root = root_of(leaves)
    drawn = seed_of(secret, root, randomness)
    levels = levels_of(leaves)
    return {
        "permutation": permutation.NAME,
        "permuted": permuted,
        "draw": {
            "sale": "tour",
            "secret": secret.hex(),
            "commitment": commitment_of(secret).hex(),
            "root": root.hex(),
            "count": len(entries),
            "gaps": gaps,
            "randomness": randomness.hex(),
            "seed": drawn.hex(),
            "seed_without_beacon": seed_of(secret, root).hex(),
            "entries": [
                {
                    "entry_number": number,
                    "fan_id": fan,
                    "index": (index := index_of(number, len(entries), gaps)),
                    "leaf": leaves[at].hex(),
                    "audit_path": [node.hex() for node in path_in(levels, at)],
                    "place": permute(drawn, index or 0, len(entries)) + 1,
                }
                for at, (number, fan) in enumerate(entries)
            ],
            "lost": {"fan_id": "f_lost", "place": shared_place(drawn, "f_lost", len(entries))},
        },
    }


if __name__ == "__main__":
    text = json.dumps(vectors(), indent=1)
    Path(__file__).with_name("vectors.json").write_text(text + "\n")
