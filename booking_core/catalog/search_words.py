"""Folding of what a fan types, as the database folds what it finds (search_words in SQL)."""

import re
import unicodedata
from typing import Final

# A search is a few words; more only cost.
WORDS_MAX: Final = 8

ACCENTS: Final = re.compile("[\u0300-\u036f]")
# The letters that no decomposition makes plain, and the sigma that ends a word.
PLAIN: Final = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ı": "i",
        "ς": "σ",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
    }
)
NO_LETTERS: Final = re.compile(
    "[\u0000-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u00d7\u00f7\u2000-\u206f\u2100-\u2bff"
    "\u3000-\u303f\ufe00-\ufeff\U0001f000-\U0001faff\ud800-\udfff]+"
)


def fold(text: str) -> str:
    """Return the words of the text without case, accents and punctuation, one space between."""
    plain = ACCENTS.sub("", unicodedata.normalize("NFKD", text)).lower().translate(PLAIN)
    return NO_LETTERS.sub(" ", plain).strip()


def prefix_query(text: str) -> str:
    """Return the tsquery text "all of these words, each the beginning of one", "" without words.

    Only letters and digits of the text get into it, each word in quotes: no operator of the query
    language can come from outside.
    """
    return " & ".join(f"'{word}':*" for word in fold(text).split()[:WORDS_MAX])
