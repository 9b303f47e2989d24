"""The front tier, put together: everything that opens is named here, in order."""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    closing,
)
from typing import Any, Final

from aiohttp import web

from gateway.api_docs import page as docs_page
from gateway.api_docs import published
from gateway.api_docs.published import PUBLISHED, Published
from gateway.api_docs.through_the_gate import at_the_edge, through_the_gate
from gateway.app_keys import (
    ACCESS_CODES,
    ADDRESS_NAMES,
    ALLOWANCES,
    BRAND_PICTURES,
    CAPTCHA,
    CLIENT_ADDRESSES,
    CLOCK,
    DEVICE_PROOFS,
    DOOR,
    DRAWS,
    EPOCHS,
    IDENTITIES,
    KEY_RING,
    LIMITS,
    MAIL_CODES,
    MAILBOXES,
    MOVES,
    NETWORK_LISTS,
    ORIGIN_HEALTH,
    POLICY,
    PROOF_OF_WORK,
    RENDERER,
    ROOMS,
    SETTINGS,
    SIGNAL_NOTES,
    TOKEN_SOURCE,
    TOKENS,
    WAIT_TOKENS,
)
from gateway.bot_checks.asked_from import SECRET_NAME, AddressNames
from gateway.bot_checks.captcha import Captcha
from gateway.bot_checks.limiting import Limits
from gateway.bot_checks.mail_codes import SECRET_NAME as CODES_BY_MAIL
from gateway.bot_checks.mail_codes import MailCodes
from gateway.bot_checks.mailboxes import Mailboxes
from gateway.bot_checks.network_lists import NetworkLists
from gateway.bot_checks.proof_of_work import ProofOfWork
from gateway.bot_checks.signal_notes import SignalNotes
from gateway.bot_checks.wait_token import WaitTokens
from gateway.draw import api as draw_api
from gateway.draw import page as draw_page
from gateway.draw.parts import DrawParts
from gateway.draw.rounds import DrawRounds
from gateway.edge.admission_gate import pass_on
from gateway.edge.client_address import ClientAddresses
from gateway.edge.front_gate import FrontGate
from gateway.edge.one_meaning import HOSTS, refuse_other_meanings
from gateway.edge.other_sites import refuse_other_sites
from gateway.edge.request_id import request_id
from gateway.edge.security_headers import add_security_headers, security_headers
from gateway.edge.shop_policy import OUR_SHOP, ShopPolicy
from gateway.origin.door import Door
from gateway.origin.fan_body import expect_later
from gateway.origin.health import OriginHealth, note_beginning
from gateway.pages import make_renderer
from gateway.settings import GatewaySettings
from gateway.waiting_room import (
    api,
    brand_pages,
    check_page,
    front_calls,
    live,
    mailbox_api,
    mailbox_page,
    move_api,
    move_page,
    page,
)
from gateway.waiting_room.access_codes import CODES_SECRET, AccessCodes
from gateway.waiting_room.allowances import Allowances
from gateway.waiting_room.brands import BrandPictures, BrandRecords
from gateway.waiting_room.line import Line
from gateway.waiting_room.moved_places import MovedPlaces
from gateway.waiting_room.moves import Moves
from gateway.waiting_room.ready_boards import ReadyBoards
from gateway.waiting_room.rooms import WaitingRooms
from gateway.waiting_room.sales import SaleRecords
from gateway.waiting_room.senses import Senses
from gateway.waiting_room.shared_waits import SharedWaits
from gateway.waiting_room.stock_watch import StockWatch
from groundwork.access_log import access_log
from groundwork.clock import Clock, SystemClock, SystemTokenSource
from groundwork.device_proof import DeviceProofs
from groundwork.event_streams import EventStreams
from groundwork.front_calls import FRONT_DOOR
from groundwork.identity import IdentitySigner
from groundwork.keys import KeyRing
from groundwork.mail import Mailer
from groundwork.malformed import REFUSAL_HEADERS
from groundwork.operations import ApiRoutes, Operation, add_operations, prove_all_declared
from groundwork.problem_json import PROBLEM_PAGE, problem_json
from groundwork.problem_page import make_problem_page
from groundwork.ready_answers import READY_ANSWERS, ReadyAnswers
from groundwork.tokens import Tokens
from groundwork.typed_answers import Json
from lua.epochs import Epochs

routes = ApiRoutes("Keys")

# What every request must pass before a handler is asked.
AT_THE_DOOR: Final = (refuse_other_meanings, refuse_other_sites)

OpenDoor = Callable[[], AbstractAsyncContextManager[Door]]
OpenEpochs = Callable[[], AbstractAsyncContextManager[Epochs]]


def make_app(
    settings: GatewaySettings,
    ring: KeyRing,
    open_epochs: OpenEpochs,
    open_door: OpenDoor,
    clock: Clock | None = None,
    policy: ShopPolicy = OUR_SHOP,
    mailer: Mailer | None = None,
    shop_operations: Sequence[Operation] = (),
) -> web.Application:
    """Return the front tier. Nothing is opened until it starts.

    `shop_operations` are the calls of the shop behind it, if it is ours. Raises UndeclaredRoute.
    """
    app = web.Application(
        middlewares=[request_id, access_log("gateway"), problem_json, *AT_THE_DOOR],
        client_max_size=settings.body_bytes_max,
    )
    clock = clock or SystemClock()
    app[SETTINGS] = settings
    app[CLOCK] = clock
    app[POLICY] = policy
    app[KEY_RING] = ring
    app[TOKEN_SOURCE] = SystemTokenSource()
    app[TOKENS] = Tokens(ring, clock)
    app[IDENTITIES] = IdentitySigner(ring, clock)
    app[DEVICE_PROOFS] = DeviceProofs(clock, settings.public_url or None)
    app[PROOF_OF_WORK] = ProofOfWork(
        ring, clock, SystemTokenSource(), random.SystemRandom(), riddles_max=settings.riddles_max
    )
    app[WAIT_TOKENS] = WaitTokens(ring, clock, SystemTokenSource())
    app[MAILBOXES] = Mailboxes(ring, clock, settings.ticket_ms)
    app[ORIGIN_HEALTH] = OriginHealth(clock, settings.origin_slow_ms)
    app[RENDERER] = make_renderer()
    app[PROBLEM_PAGE] = make_problem_page(app[RENDERER])
    _stand_at_the_edge(app)
    app[live.STREAMS] = EventStreams(
        clock,
        "board",
        streams_max=settings.streams_max,
        owner_streams_max=settings.address_streams_max,
    )
    app.on_response_prepare.append(add_security_headers)
    app.on_response_prepare.append(note_beginning)
    app.on_shutdown.append(app[live.STREAMS].close_all)
    app.on_shutdown.append(end_streams)

    @asynccontextmanager
    async def riddles(app: web.Application) -> AsyncIterator[None]:
        with app[PROOF_OF_WORK].running():
            yield

    app.cleanup_ctx.extend([riddles, _services(open_epochs, open_door, mailer)])
    add_routes(app, through_the_gate(shop_operations, policy))
    return app


def _stand_at_the_edge(app: web.Application) -> None:
    """Add what is known of a request before any handler is asked."""
    settings = app[SETTINGS]
    app[CLIENT_ADDRESSES] = ClientAddresses(settings.trusted_proxies)
    app[REFUSAL_HEADERS] = security_headers(is_strict=settings.is_strict)
    app[HOSTS] = settings.allowed_hosts()
    app[READY_ANSWERS] = ReadyAnswers("gateway", app[REFUSAL_HEADERS], app[HOSTS].takes)
    app[FRONT_DOOR] = FrontGate(app, front_calls.CALLS).find


def add_routes(app: web.Application, behind_the_gate: Sequence[Operation]) -> None:
    """Add what the front tier answers by itself, and behind all of it the shop."""
    operations = at_the_edge([*own_operations(), *behind_the_gate], app[POLICY])
    app[PUBLISHED] = Published(operations)
    add_operations(app, own_operations())
    # Also what the shop does not know is answered here: 405 needs no pass.
    add_operations(app, behind_the_gate, pass_on, expect_handler=expect_later)
    for module in (
        *(draw_page, page, brand_pages, move_page, check_page, mailbox_page, docs_page),
    ):
        app.add_routes(module.routes)
    prove_all_declared(app, operations)
    app.router.add_get(r"/static/{path:(?:room|base)/.+}", app[RENDERER].static_files.handle)
    app.router.add_route("*", "/{path:.*}", pass_on, expect_handler=expect_later)


def own_operations() -> list[Operation]:
    """Return all that programs may ask of the front tier itself."""
    return [
        *api.routes.operations,
        *live.routes.operations,
        *move_api.routes.operations,
        *mailbox_api.routes.operations,
        *check_page.api_routes.operations,
        *draw_api.routes.operations,
        *routes.operations,
        *published.routes.operations,
        *docs_page.api_routes.operations,
    ]


async def end_streams(app: web.Application) -> None:
    """End the shop's streams when the gateway stops: their fans come back to another process."""
    await app[DOOR].end_streams()


def _services(
    open_epochs: OpenEpochs, open_door: OpenDoor, mailer: Mailer | None
) -> Callable[[web.Application], AbstractAsyncContextManager[None]]:
    """Return what opens stores and shop, and runs the rooms between them."""

    @asynccontextmanager
    async def services(app: web.Application) -> AsyncIterator[None]:
        settings, clock = app[SETTINGS], app[CLOCK]
        async with open_epochs() as epochs, open_door() as door:
            app[EPOCHS] = epochs
            app[DOOR] = door
            records = SaleRecords(epochs.pool)
            app[MOVES] = Moves(epochs, MovedPlaces(epochs.store, clock))
            app[ALLOWANCES] = Allowances(epochs)
            app[LIMITS] = Limits(epochs)
            app[MAIL_CODES] = _mail_codes(app, epochs, mailer)
            app[SIGNAL_NOTES] = notes = SignalNotes(epochs.pool)
            app[CAPTCHA] = captcha = _captcha(settings)
            app[NETWORK_LISTS] = NetworkLists(settings.network_lists, clock)
            app[ADDRESS_NAMES] = AddressNames(app[KEY_RING].secret(SECRET_NAME))
            app[ACCESS_CODES] = AccessCodes(epochs.pool, app[KEY_RING].secret(CODES_SECRET))
            app[BRAND_PICTURES] = BrandPictures(BrandRecords(epochs.pool))
            app[DRAWS] = draws = DrawParts.made(epochs, settings, clock)
            line = Line(epochs, records, draws.entries, SystemTokenSource(), settings)
            senses = _senses(app, epochs, door)
            app[ROOMS] = WaitingRooms(line, records, clock, random.Random(), settings, senses)  # noqa: S311
            rounds = DrawRounds(draws.drawing, app[ROOMS].sales, clock, random.Random())  # noqa: S311
            app[ROOMS].outlets += [
                ReadyBoards(app[READY_ANSWERS], clock),
                live.BoardStreams(app[live.STREAMS]),
            ]
            async with AsyncExitStack() as stack:
                stack.enter_context(closing(app[READY_ANSWERS]))
                for part in (notes, captcha, app[live.STREAMS], app[ROOMS], rounds):
                    await stack.enter_async_context(part.running())
                await stack.enter_async_context(app[MOVES].known.following(app[ROOMS].sale_ids))
                yield

    return services


def _mail_codes(app: web.Application, epochs: Epochs, mailer: Mailer | None) -> MailCodes:
    """Return what sends codes by mail, and none without a mailer."""
    return MailCodes(
        epochs,
        app[LIMITS],
        mailer,
        app[KEY_RING].secret(CODES_BY_MAIL),
        app[CLOCK],
        random.SystemRandom(),
        app[TOKEN_SOURCE],
    )


def _captcha(settings: GatewaySettings) -> Captcha:
    """Return what asks the CAPTCHA that was set up, if one was."""
    return Captcha(
        settings.captcha,
        settings.captcha_site_key,
        settings.captcha_secret,
        settings.captcha_url,
        settings.public_url,
        SystemTokenSource(),
    )


def _senses(app: web.Application, epochs: Epochs, door: Door) -> Senses:
    """Return what pacing and the boards go by besides the line."""
    return Senses(
        StockWatch(epochs, door, app[IDENTITIES]), app[ORIGIN_HEALTH], SharedWaits(epochs.store)
    )


@routes.get("/.well-known/jwks.json")
async def jwks(request: web.Request) -> Json[dict[str, Any]]:
    """Answer the public keys of passes and tickets (RFC 7517), so that any server can verify them."""
    return Json(request.app[KEY_RING].jwks(), {"Cache-Control": "public, max-age=300"})
