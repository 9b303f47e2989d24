"""Who is calling the shop: only what the gateway has signed is believed."""

from aiohttp import web
from aiohttp.typedefs import Handler

from booking_core.app_keys import IDENTITIES, IDENTITY
from booking_core.catalog.event import Event
from groundwork.errors import NotAdmitted, NotYours
from groundwork.identity import HEADER_NAME, Identity
from groundwork.problem_json import REQUEST_ID


@web.middleware
async def read_identity(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read the signed identity; without one the caller is nobody."""
    header = request.headers.get(HEADER_NAME)
    identity = (
        request.config_dict[IDENTITIES].read(header) if header else Identity(kind="anonymous")
    )
    request[IDENTITY] = identity
    if identity.request_id:
        request[REQUEST_ID] = identity.request_id
    return await handler(request)


def admitted_fan(request: web.Request, event: Event) -> str:
    """Return the fan who was admitted to the event's sale. Raises NotAdmitted."""
    return fan_admitted(request[IDENTITY], event)


def fan_admitted(identity: Identity, event: Event) -> str:
    """Return the fan, who was admitted to the event's sale. Raises NotAdmitted."""
    if identity.kind != "pass" or identity.sale_id != event.sale_id:
        raise NotAdmitted(f"/sales/{event.sale_id}")
    return identity.fan_id


def seats_allowed(identity: Identity, event: Event) -> int:
    """Return how many seats of the event the fan may have: the event's limit, or that of their pass."""
    allowed = identity.seats_max
    return event.seats_max if allowed is None else min(allowed, event.seats_max)


def inside_fan(request: web.Request) -> str:
    """Return the fan who was admitted to some sale. Raises NotAdmitted."""
    identity = request[IDENTITY]
    if identity.kind != "pass":
        raise NotAdmitted("/")
    return identity.fan_id


def known_names(request: web.Request) -> tuple[str, ...]:
    """Return the fan's names by pass and tickets, one for each sale; none for a stranger."""
    identity = request[IDENTITY]
    return tuple(name for name in (identity.fan_id, *identity.other_fan_ids) if name)


def check_user_id(claimed: str | None, fan_id: str) -> None:
    """Raise NotYours when a request names somebody else as its fan."""
    if claimed is not None and claimed != fan_id:
        raise NotYours
