"""What of the shop is public and what needs a pass, and of which sale: read from a small TOML file."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from gateway.edge.path_pattern import PathPattern

Needs = Literal["nothing", "ticket", "pass", "proof"]
Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
SaleName = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
# A path of the shop in plain characters, never another host (`//host`, `/\host`).
Entrance = Annotated[str, msgspec.Meta(pattern=r"^/([!-.0-\[\]-~][!-~]*)?$", max_length=200)]
# All are looked at for each request, one after the other; a shop needs a handful.
RULES_MAX: Final = 100
PATHS_PER_RULE_MAX: Final = 100
# Paths whose rule is remembered, and how long they may be: half a megabyte, whatever is asked for.
PATHS_REMEMBERED_MAX: Final = 2_048
REMEMBERED_CHARACTERS_MAX: Final = 128
# Ways to write one path so that the gate reads another one than the shop does: a slash or backslash
# in disguise, an empty segment, a dot segment (also `..;`, which some servers read as `..`).
# Browsers send none of them.
AMBIGUOUS_RAW: Final = re.compile(r"%2f|%5c|\\", re.IGNORECASE)
AMBIGUOUS: Final = re.compile(r"//|/\.{1,2}(?:[/;]|$)|\\")


class PolicyError(ValueError):
    """The file is not a policy; the text says why."""


class _RuleText(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    paths: Annotated[list[str], msgspec.Meta(min_length=1, max_length=PATHS_PER_RULE_MAX)]
    needs: Needs = "pass"
    methods: list[Method] = []
    sale: SaleName | None = None
    takes_other_sites: bool = False
    waits_for_bank: bool = False
    finishes_holds: bool = False


class _PolicyText(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    rules: Annotated[list[_RuleText], msgspec.Meta(max_length=RULES_MAX)] = []
    sale: SaleName | None = None
    event_paths: Annotated[list[str], msgspec.Meta(max_length=PATHS_PER_RULE_MAX)] = []
    entrance: Entrance | None = None
    adds_security_headers: bool = True


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request needs, and the sale it belongs to where the policy names one."""

    needs: Needs
    sale_id: str | None
    # Answers come when a bank has answered, and do not tell how well the shop is by how late they come.
    waits_for_bank: bool = False
    # Nothing new is taken: a pass counts here for as long after its end as what is held by it can last.
    finishes_holds: bool = False


class Rule:
    """What one kind of request needs."""

    def __init__(self, text: _RuleText, sale: str | None) -> None:
        self._expression = one_expression(text.paths)
        self._methods = frozenset(text.methods)
        self.demand = Demand(
            text.needs, text.sale or sale, text.waits_for_bank, text.finishes_holds
        )
        self.takes_other_sites = text.takes_other_sites

    def fits(self, method: str, path: str) -> bool:
        """Say whether this rule is for the request."""
        if self._methods and method not in self._methods:
            return False
        return self._expression is not None and self._expression.fullmatch(path) is not None


class ShopPolicy:
    """The rules of a shop; the first that fits a request decides, and without one it needs a pass."""

    def __init__(self, text: _PolicyText) -> None:
        self._rules: Sequence[Rule] = [Rule(rule, text.sale) for rule in text.rules]
        self._otherwise = Demand("pass", text.sale)
        # The crowd asks for a few paths, and for each one several times in a request.
        self._remembered = lru_cache(PATHS_REMEMBERED_MAX)(self._look_up)
        self._events = one_expression(text.event_paths)
        self._remembered_events = lru_cache(PATHS_REMEMBERED_MAX)(self._look_up_event)
        # Where admitted fans go; None: to the seats of an event of the sale.
        self.entrance = text.entrance
        # Whether the shop's answers get those of our security headers that they lack.
        self.adds_security_headers = text.adds_security_headers

    def demand(self, method: str, path: str) -> Demand:
        """Return what the request needs."""
        rule = self._first(method, path)
        return rule.demand if rule else self._otherwise

    def takes_other_sites(self, method: str, path: str) -> bool:
        """Say whether pages of other sites may send this request."""
        rule = self._first(method, path)
        return rule is not None and rule.takes_other_sites

    def _first(self, method: str, path: str) -> Rule | None:
        short = len(path) <= REMEMBERED_CHARACTERS_MAX
        return self._remembered(method, path) if short else self._look_up(method, path)

    def _look_up(self, method: str, path: str) -> Rule | None:
        return next((rule for rule in self._rules if rule.fits(method, path)), None)

    def event_in(self, path: str) -> str | None:
        """Return the event that the path names, if it names one."""
        short = len(path) <= REMEMBERED_CHARACTERS_MAX
        return self._remembered_events(path) if short else self._look_up_event(path)

    def _look_up_event(self, path: str) -> str | None:
        match = self._events.fullmatch(path) if self._events else None
        return next((group for group in match.groups() if group), None) if match else None


def one_expression(paths: Sequence[str]) -> re.Pattern[str] | None:
    """Return what matches any of the patterns; None without any. Raises ValueError."""
    expressions = [f"(?:{PathPattern.of(path).expression})" for path in paths]
    return re.compile("|".join(expressions)) if expressions else None


def is_ambiguous(path: str, raw_path: str) -> bool:
    """Say whether the path could be read in another way by the shop than by the gate."""
    # The second look is for the few that hide something.
    is_disguised = "%" in raw_path or "\\" in raw_path
    return bool(AMBIGUOUS.search(path) or (is_disguised and AMBIGUOUS_RAW.search(raw_path)))


def read_policy(text: str) -> ShopPolicy:
    """Return the policy. Raises PolicyError."""
    try:
        return ShopPolicy(msgspec.convert(tomllib.loads(text), _PolicyText))
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as error:
        raise PolicyError(str(error)) from error


def read_policy_file(path: Path) -> ShopPolicy:
    """Return the policy in the file. Raises PolicyError, also when it cannot be read."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"SHOP_POLICY: {error}") from error
    try:
        return read_policy(text)
    except PolicyError as error:
        raise PolicyError(f"SHOP_POLICY {path}: {error}") from error


OUR_SHOP: Final = read_policy(
    resources.files("gateway.edge").joinpath("our_shop.toml").read_text("utf-8")
)
