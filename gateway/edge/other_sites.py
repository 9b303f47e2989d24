"""Pages of other sites may link here, and send nothing in a fan's name."""

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.app_keys import POLICY, SETTINGS
from groundwork.edge_errors import CrossSite
from groundwork.plain_request import Asking
from groundwork.same_site import is_from_elsewhere


@web.middleware
async def refuse_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a request that changes something only if no page of another site sent it.

    A shop's policy names the paths that take such requests: a bank's page that posts a fan back.
    Raises CrossSite.
    """
    check_site(request)
    return await handler(request)


def check_site(request: Asking) -> None:
    """Raise CrossSite when a page of another site sent this, and the policy does not take that."""
    if is_from_elsewhere(request, request.app[SETTINGS].public_url) and not request.app[
        POLICY
    ].takes_other_sites(request.method, request.path):
        raise CrossSite
