"""What the front tier's application and requests carry, by name and type."""

from typing import Final

from aiohttp import web

from gateway.bot_checks.asked_from import AddressNames
from gateway.bot_checks.captcha import Captcha
from gateway.bot_checks.limiting import Limits
from gateway.bot_checks.mail_codes import MailCodes
from gateway.bot_checks.mailboxes import Mailboxes
from gateway.bot_checks.network_lists import NetworkLists
from gateway.bot_checks.proof_of_work import ProofOfWork
from gateway.bot_checks.signal_notes import SignalNotes
from gateway.bot_checks.wait_token import WaitTokens
from gateway.draw.parts import DrawParts
from gateway.edge.client_address import ClientAddresses
from gateway.edge.shop_policy import ShopPolicy
from gateway.origin.door import Door
from gateway.origin.health import OriginHealth
from gateway.settings import GatewaySettings
from gateway.waiting_room.access_codes import AccessCodes
from gateway.waiting_room.allowances import Allowances
from gateway.waiting_room.brands import BrandPictures
from gateway.waiting_room.moves import Moves
from gateway.waiting_room.rooms import WaitingRooms
from groundwork.clock import Clock, TokenSource
from groundwork.device_proof import DeviceProofs
from groundwork.identity import IdentitySigner
from groundwork.keys import KeyRing
from groundwork.pages import PageRenderer
from groundwork.tokens import Tokens
from lua.epochs import Epochs

SETTINGS: Final = web.AppKey("gateway_settings", GatewaySettings)
CLOCK: Final = web.AppKey("clock", Clock)
KEY_RING: Final = web.AppKey("key_ring", KeyRing)
TOKEN_SOURCE: Final = web.AppKey("token_source", TokenSource)
TOKENS: Final = web.AppKey("tokens", Tokens)
IDENTITIES: Final = web.AppKey("identities", IdentitySigner)
DEVICE_PROOFS: Final = web.AppKey("device_proofs", DeviceProofs)
PROOF_OF_WORK: Final = web.AppKey("proof_of_work", ProofOfWork)
WAIT_TOKENS: Final = web.AppKey("wait_tokens", WaitTokens)
CLIENT_ADDRESSES: Final = web.AppKey("client_addresses", ClientAddresses)
EPOCHS: Final = web.AppKey("gateway_epochs", Epochs)
ROOMS: Final = web.AppKey("rooms", WaitingRooms)
POLICY: Final = web.AppKey("policy", ShopPolicy)
DRAWS: Final = web.AppKey("draws", DrawParts)
ACCESS_CODES: Final = web.AppKey("access_codes", AccessCodes)
ADDRESS_NAMES: Final = web.AppKey("address_names", AddressNames)
CAPTCHA: Final = web.AppKey("captcha", Captcha)
NETWORK_LISTS: Final = web.AppKey("network_lists", NetworkLists)
SIGNAL_NOTES: Final = web.AppKey("signal_notes", SignalNotes)
MAILBOXES: Final = web.AppKey("mailboxes", Mailboxes)
MAIL_CODES: Final = web.AppKey("mail_codes", MailCodes)
LIMITS: Final = web.AppKey("limits", Limits)
ALLOWANCES: Final = web.AppKey("allowances", Allowances)
MOVES: Final = web.AppKey("moves", Moves)
DOOR: Final = web.AppKey("door", Door)
ORIGIN_HEALTH: Final = web.AppKey("origin_health", OriginHealth)
BRAND_PICTURES: Final = web.AppKey("brand_pictures", BrandPictures)
RENDERER: Final = web.AppKey("room_renderer", PageRenderer)
