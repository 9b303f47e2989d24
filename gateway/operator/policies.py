"""What each address of the operator listener asks of a caller. An address without a policy is none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from aiohttp import web
from aiohttp.typedefs import Handler

Role = Literal["viewer", "operator", "admin"]
# What an API token may be for; a token has some of these, and never more than its owner's role.
Scope = Literal["metrics", "sales:read", "sales:write", "log:read", "operators:write"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Anybody:
    """Whether it is alive, and signing in: whoever reaches the listener may ask."""


@dataclass(frozen=True, slots=True)
class Nearby:
    """Who asks from one of the named networks, or has a token for it."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class Needs:
    """An operator of at least this role; by token, one with this scope. None: by session alone."""

    role: Role
    scope: Scope | None


Policy = Anybody | Nearby | Needs


class PolicyMissing(AssertionError):
    """A route without a policy: nobody said who may ask, so the listener does not start."""


class PolicedRoutes:
    """Routes that cannot be declared without saying who may ask."""

    def __init__(self) -> None:
        # Method, path, handler, and who may ask.
        self.declared: list[tuple[str, str, Handler, Policy]] = []

    def get(self, path: str, policy: Policy) -> Callable[[Handler], Handler]:
        """Declare who may read something."""
        return self._declare("GET", path, policy)

    def post(self, path: str, policy: Policy) -> Callable[[Handler], Handler]:
        """Declare who may do something."""
        return self._declare("POST", path, policy)

    def _declare(self, method: str, path: str, policy: Policy) -> Callable[[Handler], Handler]:
        def declared(handler: Handler) -> Handler:
            self.declared.append((method, path, handler, policy))
            return handler

        return declared

    def add_to(self, app: web.Application, policies: dict[web.AbstractRoute, Policy]) -> None:
        """Add the routes, and note what each asks."""
        for method, path, handler, policy in self.declared:
            policies[app.router.add_route(method, path, handler)] = policy


def prove_all_declared(app: web.Application, policies: Mapping[web.AbstractRoute, Policy]) -> None:
    """Raise PolicyMissing for a route that nobody declared a policy for."""
    for route in app.router.routes():
        if route not in policies:
            raise PolicyMissing(f"{route.method} {route.resource} has no policy")
