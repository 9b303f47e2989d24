"""How pages write numbers, money and moments in the language of the page: the filters of templates."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Literal

from babel.core import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from groundwork.languages import Language
from groundwork.zones import zone_of, zone_word

DECIMALS: Final = re.compile(r"\.0+")


def locale_of(context: Context) -> Locale:
    """Return the locale of the page that is being written."""
    language: Language = context["language"]
    return language.locale


@pass_context
def money(context: Context, minor_units: int, currency: str) -> str:
    """A price; whole amounts without decimals."""
    locale = locale_of(context)
    amount = Decimal(minor_units).scaleb(-get_currency_precision(currency))
    if amount != amount.to_integral_value():
        return format_currency(amount, currency, locale=locale)
    pattern = DECIMALS.sub("", locale.currency_formats["standard"].pattern)
    return format_currency(int(amount), currency, pattern, locale=locale, currency_digits=False)


@pass_context
def number(context: Context, value: float) -> str:
    """A number with at most one decimal."""
    return format_decimal(value, "#,##0.#", locale=locale_of(context))


@pass_context
def basis_points(context: Context, value: int) -> str:
    """A rate in hundredths of a percent, as percent with at most two decimals."""
    return format_percent(Decimal(value) / 10_000, "#,##0.##%", locale=locale_of(context))


@pass_context
def percent(context: Context, share: float) -> str:
    """A share of one as whole percent."""
    return format_percent(share, locale=locale_of(context))


@pass_context
def day(
    context: Context,
    at: datetime,
    zone: str = "UTC",
    form: Literal["full", "long", "medium", "short"] = "medium",
) -> str:
    """The day alone, in a zone by its IANA name."""
    return format_date(at.astimezone(zone_of(zone)).date(), form, locale=locale_of(context))


@pass_context
def moment(context: Context, at: datetime, zone: str = "UTC") -> str:
    """Day and time in a zone, with its name; scripts may put the fan's own clock in its place."""
    locale, there = locale_of(context), zone_of(zone)
    on = format_skeleton("yMMMEd", at, tzinfo=there, locale=locale)
    time = format_skeleton("Hm", at, tzinfo=there, locale=locale)
    written = locale.datetime_formats["medium"].format(time, on)
    return f"{written} {zone_word(at.astimezone(there))}"


@pass_context
def time_of_day(context: Context, at: datetime) -> str:
    """The time in UTC alone; scripts put the fan's own clock in its place."""
    return format_skeleton("Hm", at, tzinfo=UTC, locale=locale_of(context)) + " UTC"


def iso_time(at: datetime) -> str:
    """RFC 3339 in UTC to the second, for `<time datetime>`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain_amount(minor_units: int, currency: str) -> str:
    """A price as machines read it: 85.00."""
    return str(Decimal(minor_units).scaleb(-get_currency_precision(currency)))


def clock_text(length_ms: int) -> str:
    """A length of time as a clock shows it: 7:05, or 1:07:05 from an hour up."""
    minutes, seconds = divmod(max(0, length_ms) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def fill(message: str, **values: object) -> Markup:
    """The message with its {placeholders} filled in, as texts.js does it: one message for both."""
    return escape(message).format(**values)


FILTERS: Final = {
    "fill": fill,
    "money": money,
    "amount": plain_amount,
    "number": number,
    "percent": percent,
    "basis_points": basis_points,
    "day": day,
    "moment": moment,
    "time_of_day": time_of_day,
    "iso": iso_time,
    "clock": clock_text,
}
