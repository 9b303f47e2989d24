"""Which categories of a plan are accessible places, by their names."""

import re
from typing import Final

# The format of plans has no field for accessible places; halls make a category of them.
WORDS: Final = (
    r"(?:wheelchair|accessible|rollstuhl|barrierefrei|\bpmr\b|fauteuil roulant|silla de ruedas"
    r"|carrozzin|carrozzell)"
)
ACCESSIBLE: Final = re.compile(WORDS, re.IGNORECASE)
# "Not wheelchair accessible", "Inaccessible (stairs)", "Nicht barrierefrei", "Kein Rollstuhlplatz":
# the word alone would say the contrary. A comma or a bracket ends what a "no" speaks of, as in
# "No steps, wheelchair accessible".
REFUSED: Final = re.compile(
    r"\b(?:not|no|non|never|without|nicht|kein\w*|ohne|pas|sans|sin|senza)\b[\w\s-]*?" + WORDS
    + r"|(?:\bnon|\bnicht|\bin|\bun)-?(?:accessible|barrierefrei)"
    + rf"|{WORDS}\w*\s*[:=]\s*(?:no|nein|non)\b",
    re.IGNORECASE,
)  # fmt: skip


def is_accessible_category(name: str) -> bool:
    """Say whether a category of this name is of accessible places; a name that says no is not."""
    return ACCESSIBLE.search(name) is not None and REFUSED.search(name) is None
