"""How long a fan may hold places of one event, one hold after the other, before others have their turn.

A hold ends by itself, but who lets it go and takes the same places again a moment later would keep them
from everybody for ever, and need not buy any. So holds that follow each other end together. Only the one
extension, and a payment that has begun, last longer, and the rest begins after them. The scripts
count from a fan's first hold; a store that was lost forgets it, and the fan begins anew.
"""

from typing import Final

# What is wanted goes within seconds in a rush; and a fan who only was slow has not long to wait.
REST_MS: Final = 10 * 60_000
# A hold shorter than this is of no use to anybody who has to pay for it.
USEFUL_MS: Final = 60_000
