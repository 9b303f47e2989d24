"""All checks by their number, and what they found."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from onsale.prove.checks import line, sales, seats
from onsale.prove.checks.sometimes import never_met
from onsale.prove.history import History

Check = Callable[[History], Iterator[str]]

CHECKS: Sequence[tuple[str, str, Check]] = (
    ("C1", "no seat is sold twice", sales.seats_sold_twice),
    ("C1", "no stock is sold beyond its quantity", sales.stock_oversold),
    ("C2", "no confirmed sale is lost", sales.sales_lost),
    ("C3", "every sale was asked for", sales.sales_of_nobody),
    ("C4", "every doubt is resolved one way", sales.doubts_left),
    ("C5", "each sale is paid once, in full, after its commit", sales.money_wrong),
    ("C6", "every authorisation ends taken or cancelled", sales.authorizations_left),
    ("C7", "within an epoch nobody holds what another holds", seats.holds_overlap),
    ("C8", "each seat's story has a possible order", seats.stories_impossible),
    ("C9", "one key is one order and one answer", sales.repeats_differ),
    ("C10", "all of an order, or nothing", sales.sold_in_part),
    ("C11", "each place in line is given once and called in turn", line.line_broken),
    ("C12", "in the end Redis shows what PostgreSQL has", seats.map_wrong),
    ("C13", "every snapshot counts every seat once", seats.counts_wrong),
    ("C14", "the hold log is whole, or says where it is not", seats.log_broken),
    ("C15", "nothing is held in an epoch that is over", seats.old_epochs_alive),
    ("C16", "every order comes to its end", sales.orders_stuck),
)


@dataclass(frozen=True)
class Finding:
    """One check and what it found wrong."""

    code: str
    promise: str
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What all checks found, and what the run never met."""

    findings: tuple[Finding, ...]
    never: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not any(finding.broken for finding in self.findings)

    @property
    def is_void(self) -> bool:
        """Whether the run did not meet what it is about, and so proves nothing."""
        return bool(self.never)


def judge(history: History, wanted: Sequence[str]) -> Verdict:
    """Return the verdict on a history with an ending."""
    return Verdict(
        tuple(Finding(code, promise, tuple(check(history))) for code, promise, check in CHECKS),
        tuple(never_met(history, wanted)),
    )
