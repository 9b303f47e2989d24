"""Calls as fans meet them: with what edge, gate and door may answer in their stead."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from gateway.edge.shop_policy import Needs, ShopPolicy
from groundwork.edge_errors import CrossSite, RequestMalformed, UnknownHost
from groundwork.errors import (
    BookingError,
    DeviceProofInvalid,
    NotAdmitted,
    PassExpired,
    RequestInvalid,
    StoreUnavailable,
)
from groundwork.operations import DPOP, PATH_NAME, Operation
from groundwork.origin_errors import AnswerLost, OriginUnavailable
from groundwork.same_site import SAFE_METHODS

# An address that could be read in two ways is refused before anything else.
ALWAYS: Final = (RequestInvalid, OriginUnavailable, AnswerLost)
INSIDE: Final = (NotAdmitted, PassExpired, StoreUnavailable)
REFUSALS: Final[Mapping[Needs, Sequence[type[BookingError]]]] = {
    "nothing": (),
    "ticket": (),
    "pass": INSIDE,
    "proof": (*INSIDE, DeviceProofInvalid),
}


def through_the_gate(operations: Iterable[Operation], policy: ShopPolicy) -> list[Operation]:
    """Return the shop's calls with the refusals of the gate that stands before them by this policy."""
    return [_gated(operation, policy) for operation in operations]


def at_the_edge(operations: Iterable[Operation], policy: ShopPolicy) -> list[Operation]:
    """Return all calls with the refusals that every request may meet."""
    return [
        replace(operation, refusals=(*operation.refusals, *_of_the_edge(operation, policy)))
        for operation in operations
    ]


def _of_the_edge(operation: Operation, policy: ShopPolicy) -> list[type[BookingError]]:
    everywhere: list[type[BookingError]] = [UnknownHost, RequestMalformed]
    return [*everywhere, CrossSite] if _refuses_other_sites(operation, policy) else everywhere


def _refuses_other_sites(operation: Operation, policy: ShopPolicy) -> bool:
    is_change = operation.method not in SAFE_METHODS
    return is_change and not any(
        policy.takes_other_sites(operation.method, path) for path in _samples(operation)
    )


def _gated(operation: Operation, policy: ShopPolicy) -> Operation:
    needs = {policy.demand(operation.method, path).needs for path in _samples(operation)}
    headers = [*operation.headers, DPOP] if "proof" in needs else operation.headers
    gate = [refusal for need in sorted(needs) for refusal in REFUSALS[need]]
    return replace(operation, refusals=(*operation.refusals, *ALWAYS, *gate), headers=headers)


def _samples(operation: Operation) -> list[str]:
    """Return paths of the call as the policy's patterns tell them apart: by whole segments, and by
    whether one begins with an event's name and a dot.
    """
    return [PATH_NAME.sub(name, operation.path) for name in ("name", "name.name")]
