"""The cards a buyer can type into the practice provider's form, and reading what was typed.

No real card works here, and nothing that was typed is kept, logged or shown again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from booking_core.practice_provider.bank import DECLINED, NO_FUNDS, Method, Refusal

EXPIRED: Final = Refusal("expired_card", "Your card has expired.")
WRONG_CVC: Final = Refusal("incorrect_cvc", "Your card's security code is incorrect.")


@dataclass(frozen=True, slots=True)
class PracticeCard:
    """A card number, what the form says about it, and what the bank does."""

    number: str
    what_happens: str
    method: Method


# The numbers are Stripe's own for tests, so that a rehearsal there and here is the same.
CARDS: Final = (
    PracticeCard("4242424242424242", "Pays at once", Method("at once")),
    PracticeCard("4000000000003220", "Asks you to confirm (3-D Secure)", Method("on a page")),
    PracticeCard("4000000000000077", "Pays after half a minute", Method("slowly")),
    PracticeCard("4000000000000002", "Is declined", Method("at once", DECLINED)),
    PracticeCard("4000000000009995", "Has not enough money", Method("at once", NO_FUNDS)),
    PracticeCard("4000000000000069", "Has expired", Method("at once", EXPIRED)),
    PracticeCard("4000000000000127", "Has another security code", Method("at once", WRONG_CVC)),
)
METHOD_OF: Final[Mapping[str, Method]] = {card.number: card.method for card in CARDS}
# Card numbers have 12 to 19 digits; people type them in groups.
NUMBER: Final = re.compile(r"[0-9]{12,19}")
EXPIRY: Final = re.compile(r"(0?[1-9]|1[0-2])/(?:20)?([0-9]{2})")
CVC: Final = re.compile(r"[0-9]{3,4}")


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed: a card of ours, or what is wrong with it, field by field."""

    method: Method | None
    problems: Mapping[str, str]


def read_card(number: str, expiry: str, cvc: str, year: int, month: int) -> Typed:
    """Return the card somebody typed in this month, or what is wrong with what they typed."""
    problems: dict[str, str] = {}
    digits = re.sub(r"[ \-]", "", number)
    if not NUMBER.fullmatch(digits) or not has_check_digit(digits):
        problems["number"] = "This card number is not complete or has a typing error."
    elif digits not in METHOD_OF:
        problems["number"] = "This is not a practice card. Please type none of your own."
    valid = EXPIRY.fullmatch(expiry.replace(" ", ""))
    if valid is None:
        problems["expiry"] = "Type month and year, like 04/30."
    elif (2000 + int(valid[2]), int(valid[1])) < (year, month):
        problems["expiry"] = "That is in the past."
    if not CVC.fullmatch(cvc.strip()):
        problems["cvc"] = "It has three or four digits."
    return Typed(None if problems else METHOD_OF[digits], problems)


def has_check_digit(digits: str) -> bool:
    """Say whether the last digit fits the others (ISO/IEC 7812, Luhn)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0
