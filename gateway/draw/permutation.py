"""The order of a draw: a keyed permutation of 0 … count-1, worked out for one index at a time.

Frozen under its name: docs/draw.md has the bytes, tests/draw/vectors.json the test vectors. Nothing
here may change; another way to permute gets another name.
"""

import hmac
from typing import Final

NAME: Final = "feistel4-hmac-sha256-v1"
ROUNDS: Final = 4
# Half of the smallest domain: 4^6 numbers. On a domain of the crowd's own size four rounds favour
# some places by up to a third when the crowd is small; see docs/decisions/0012.
HALF_BITS_MIN: Final = 6
# A round takes and gives 32 bits: more entries than people on earth.
HALF_BITS_MAX: Final = 32


def half_bits(count: int) -> int:
    """Return half the bits of the domain: the smallest power of four with room for the count."""
    bits = max(HALF_BITS_MIN, ((count - 1).bit_length() + 1) // 2)
    assert bits <= HALF_BITS_MAX, f"{count} entries are more than can be drawn"
    return bits


def permute(seed: bytes, index: int, count: int) -> int:
    """Return where the seed puts the index. All indexes together go to all of 0 … count-1."""
    assert 0 <= index < count, f"{index} is no index of {count} entries"
    bits = half_bits(count)
    mask = (1 << bits) - 1
    number = index
    while True:
        left, right = number >> bits, number & mask
        for turn in range(ROUNDS):
            message = bytes((turn,)) + right.to_bytes(4, "big")
            word = int.from_bytes(hmac.digest(seed, message, "sha256")[:4], "big")
            left, right = right, left ^ (word & mask)
        number = left << bits | right
        if number < count:  # else walk on along the cycle: it comes back to where it began
            return number
