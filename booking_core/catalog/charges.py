"""Fees and taxes of an event, and what they come to. PostgreSQL has the last word: charges_v1.

One rule of rounding: each line once for the whole order, half a minor unit up. Fees are worked out of
the places, taxes of the places and the fees together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

# As in the table of charges; more lines than any bill has.
CHARGES_MAX: Final = 16
NAME_LENGTH_MAX: Final = 64
# Ten million of a currency with cents, as for prices.
AMOUNT_MAX: Final = 1_000_000_000
# 100 %, in basis points: what is more is a slipped point.
RATE_MAX: Final = 10_000
WHOLE: Final = 10_000

Kind = Literal["per_ticket", "per_order", "percent", "tax_added", "tax_included"]
AMOUNTS: Final = ("per_ticket", "per_order")
TAXES: Final = ("tax_added", "tax_included")


@dataclass(frozen=True, slots=True)
class Charge:
    """A fee or tax. `value` is minor units, and basis points of `percent` and the taxes."""

    name: str
    kind: Kind
    value: int


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """What a charge comes to, in minor units; a tax that is included adds nothing to the total."""

    name: str
    kind: Kind
    value: int
    amount_cents: int

    @property
    def is_included(self) -> bool:
        """Whether the prices have it in them."""
        return self.kind == "tax_included"


def charge_lines(
    charges: Sequence[Charge], places_cents: int, count: int
) -> tuple[ChargeLine, ...]:
    """Return the lines of a bill for so many places that cost so much together."""
    if not charges:
        return ()
    fees = {each: _fee(each, places_cents, count) for each in charges if each.kind not in TAXES}
    taxed = places_cents + sum(fees.values())
    whole = WHOLE + sum(each.value for each in charges if each.kind == "tax_included")
    amounts = (
        fees[each] if each in fees
        else _rounded(taxed * each.value, WHOLE if each.kind == "tax_added" else whole)
        for each in charges
    )  # fmt: skip
    return tuple(
        ChargeLine(each.name, each.kind, each.value, amount)
        for each, amount in zip(charges, amounts, strict=True)
    )


def total_with(places_cents: int, lines: Sequence[ChargeLine]) -> int:
    """Return what is paid for places with these charges."""
    if not lines:
        return places_cents
    return places_cents + sum(line.amount_cents for line in lines if not line.is_included)


def charge_problems(charges: Sequence[Charge]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with an event's charges, as field and rule."""
    if len(charges) > CHARGES_MAX:
        yield "charges", f"must be at most {CHARGES_MAX}"
    if len({each.name for each in charges}) < len(charges):
        yield "charges", "have a name twice"
    if len({each.kind for each in charges} & {*TAXES}) > 1:
        yield "charges", "taxes are included in the prices or added to them, not both"
    for index, each in enumerate(charges):
        if not 1 <= len(each.name) <= NAME_LENGTH_MAX or not each.name.isprintable():
            yield f"charges[{index}].name", f"must be 1 to {NAME_LENGTH_MAX} printable characters"
        value_max = AMOUNT_MAX if each.kind in AMOUNTS else RATE_MAX
        if not 0 <= each.value <= value_max:
            yield f"charges[{index}].value", f"must be 0 to {value_max}, is {each.value}"


def _fee(charge: Charge, places_cents: int, count: int) -> int:
    match charge.kind:
        case "per_ticket":
            return charge.value * count
        case "per_order":
            return charge.value
        case _:
            return _rounded(places_cents * charge.value, WHOLE)


def _rounded(numerator: int, denominator: int) -> int:
    """Return the quotient of two numbers that are not negative, a half rounded up."""
    return (2 * numerator + denominator) // (2 * denominator)
