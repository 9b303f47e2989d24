"""The words on a ticket, in the language of its order."""

from collections.abc import Callable, Mapping
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from typing import Final

from groundwork.languages import BY_CODE, ENGLISH, Language
from groundwork.translations import load_translations

# The translations of the shop's pages have a ticket's words, too.
FOLDER: Final = Path(__file__).parents[1] / "pages"
# Our fonts write Arabic in letters that do not join (fonts.py), which nobody reads with pleasure: the
# words of such a ticket stay English, and so does its date.
NOT_PRINTED: Final = frozenset(("ar",))


def printed_language(code: str) -> Language:
    """Return the language in which a ticket is printed for who reads this one; "" is English."""
    return ENGLISH if code in NOT_PRINTED else BY_CODE.get(code, ENGLISH)


@cache
def labels_of(language: Language) -> Mapping[str, str]:
    """Return the words by what they stand for. The first call of a process reads the translations."""
    return _labels(_translations()[language.code].gettext)


@cache
def _translations() -> Mapping[str, NullTranslations]:
    return load_translations([FOLDER])


def _labels(_: Callable[[str], str]) -> Mapping[str, str]:
    return {
        "title": _("Admission ticket"),
        "of": _("{number} of {count}"),
        "section": _("Section"),
        "row": _("Row"),
        "seat": _("Seat"),
        "tier": _("Category"),
        "price": _("Price"),
        "paid": _("Paid for the order: {total}"),
        "charges": _("{total}, with {charges}"),
        "entry": _("Entry"),
        "unseated": _("Free choice of place"),
        "scan": _("Show this code at the entrance"),
        "once": _(
            "It lets one person in, once. Whoever shows it first gets in: keep it to yourself."
        ),
        "ticket": _("Ticket"),
        "order": _("Order"),
    }
