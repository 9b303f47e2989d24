"""The options of an event's terms: until when its buyers may cancel, its fees and its taxes."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

import click

from booking_core.catalog.charges import Charge, Kind

Command = TypeVar("Command", bound=Callable[..., Any])

DURATION: Final = re.compile(r"([0-9]{1,7})([mhd])")
MINUTES: Final = {"m": 1, "h": 60, "d": 24 * 60}
NEVER: Final = "never"
# Up to two decimals of a percent are whole basis points.
PERCENT: Final = r"([0-9]{1,3}(?:\.[0-9]{1,2})?)%"
FEE: Final = re.compile(rf"(.+)=(?:{PERCENT}|([0-9]{{1,10}})(/order)?)")
TAX: Final = re.compile(rf"(.+)={PERCENT}( included)?")


def cancel_option(command: Command) -> Command:
    """Give a command the option `cancel_until`: so long before the event, as it was typed."""
    option = click.option(
        "--cancel-until",
        metavar="TIME",
        callback=_checked,
        help="Fans may cancel until so long before it begins: 90m, 48h, 7d; never is the default.",
    )
    return option(command)


def _checked(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    if given is not None and given != NEVER and not DURATION.fullmatch(given):
        raise click.BadParameter(f"{given!r} is not a time like 90m, 48h or 7d, nor {NEVER}")
    return given


def minutes_of(given: str | None) -> int | None:
    """Return "48h" as 2880, and None for never."""
    found = DURATION.fullmatch(given or NEVER)
    return int(found[1]) * MINUTES[found[2]] if found else None


def charge_options(command: Command) -> Command:
    """Give a command the options `fees` and `taxes`, in the order of the bill."""
    for name, many, metavar, callback, text in (
        ("--tax", "taxes", "NAME=RATE", _taxes,
         "VAT=19% on top, or 'VAT=19% included' in the prices; repeat."),
        ("--fee", "fees", "NAME=FEE", _fees,
         "150 a ticket, 250/order (minor units), or 3.5%; repeat."),
    ):  # fmt: skip
        option = click.option(
            name, many, metavar=metavar, callback=callback, multiple=True, help=text
        )
        command = option(command)
    return command


def _fees(
    _context: click.Context, _option: click.Parameter, given: Sequence[str]
) -> tuple[Charge, ...]:
    return tuple(map(_fee, given))


def _fee(text: str) -> Charge:
    found = FEE.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not like NAME=150, NAME=250/order or NAME=3.5%")
    name, percent, amount, is_per_order = found.groups()
    if percent:
        return Charge(name, "percent", _basis_points(percent))
    return Charge(name, "per_order" if is_per_order else "per_ticket", int(amount))


def _taxes(
    _context: click.Context, _option: click.Parameter, given: Sequence[str]
) -> tuple[Charge, ...]:
    return tuple(map(_tax, given))


def _tax(text: str) -> Charge:
    found = TAX.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not like NAME=19% or 'NAME=19% included'")
    kind: Kind = "tax_included" if found[3] else "tax_added"
    return Charge(found[1], kind, _basis_points(found[2]))


def _basis_points(percent: str) -> int:
    return int(Decimal(percent) * 100)
