"""CAPTCHAs of others as one more way through the check: never the only one, and off unless set up.

Each provider is asked from here, server to server, exactly as it wants to be asked. When it cannot
be, the fan takes another way: the work is always there. The fan's address is told to nobody.
"""

import hashlib
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog

from groundwork.check_errors import StepUpFailed
from groundwork.clock import TokenSource

Kind = Literal["", "turnstile", "hcaptcha", "recaptcha", "friendly"]
Reason = Literal["rejected", "duplicate", "expired", "unavailable"]

# A check that takes longer is no easier than the work; asked twice, for an answer can get lost.
ANSWER_SECONDS_MAX: Final = 2.0
TRIES: Final = 2
# The longest tokens are Friendly Captcha's.
RESPONSE_CHARACTERS_MAX: Final = 16 * 1024
# What the widget is told to be for, where a provider signs that.
ACTION: Final = "step-up"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider is asked, and what its widget needs of a page."""

    verify_url: str
    # What the widget calls its answer in a form, and how a page makes one.
    field: str
    script_url: str
    css_class: str
    # Where the widget's own parts come from.
    sources: tuple[str, ...]
    # Published for tests: they pass everybody.
    test_secrets: tuple[str, ...] = ()
    is_json: bool = False


PROVIDERS: Final[Mapping[str, Provider]] = {
    "turnstile": Provider(
        "https://challenges.cloudflare.com/turnstile/v0/siteverify",
        "cf-turnstile-response",
        "https://challenges.cloudflare.com/turnstile/v0/api.js",
        "cf-turnstile",
        ("https://challenges.cloudflare.com",),
        tuple(f"{first}x0000000000000000000000000000000AA" for first in "123"),
    ),
    "hcaptcha": Provider(
        "https://api.hcaptcha.com/siteverify",
        "h-captcha-response",
        "https://js.hcaptcha.com/1/api.js",
        "h-captcha",
        ("https://hcaptcha.com", "https://*.hcaptcha.com"),
        ("0x" + "0" * 40,),
    ),
    "recaptcha": Provider(
        "https://www.google.com/recaptcha/api/siteverify",
        "g-recaptcha-response",
        "https://www.google.com/recaptcha/api.js",
        "g-recaptcha",
        ("https://www.google.com/recaptcha/", "https://www.gstatic.com/recaptcha/"),
        ("6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe",),
    ),
    "friendly": Provider(
        "https://global.frcapi.com/api/v2/captcha/siteverify",
        "frc-captcha-response",
        "https://cdn.jsdelivr.net/npm/@friendlycaptcha/sdk@1.0.2/site.compat.min.js",
        "frc-captcha",
        ("https://cdn.jsdelivr.net", "https://*.frcapi.com"),
        is_json=True,
    ),
}
# What their codes mean for a fan; all others are about us, and the fan should take another way.
REASONS: Final[Mapping[str, Reason]] = {
    "timeout-or-duplicate": "duplicate",
    "invalid-or-already-seen-response": "duplicate",
    "already-seen-response": "duplicate",
    "expired-input-response": "expired",
    "invalid-input-response": "rejected",
    "missing-input-response": "rejected",
    "response_invalid": "rejected",
    "response_missing": "rejected",
    "response_timeout": "expired",
    "response_duplicate": "duplicate",
}


class Answer(msgspec.Struct, frozen=True, rename={"error_codes": "error-codes"}):
    """What Turnstile, hCaptcha and reCAPTCHA answer; Friendly Captcha's is read into the same."""

    success: bool
    hostname: str = ""
    action: str = ""
    cdata: str = ""
    error_codes: tuple[str, ...] = ()


class Captcha:
    """Asks the provider that was set up whether an answer of its widget counts."""

    def __init__(
        self, kind: Kind, site_key: str, secret: str, url: str, host: str, tokens: TokenSource
    ) -> None:
        self.kind = kind
        self.site_key = site_key
        self._secret = secret
        self._host = urlsplit(host).hostname or ""
        self._tokens = tokens
        self._url = url or (PROVIDERS[kind].verify_url if kind else "")
        self._session: aiohttp.ClientSession | None = None

    @property
    def provider(self) -> Provider | None:
        """Who was set up; None for nobody."""
        return PROVIDERS.get(self.kind)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep connections while the block runs."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as self._session:
            yield

    def would_ask(self, response: str) -> bool:
        """Say whether checking this costs a call to the provider."""
        return self.provider is not None and 0 < len(response) <= RESPONSE_CHARACTERS_MAX

    async def check(self, response: str, bound_to: str) -> None:
        """Return if the provider vouches for the response; `bound_to` is what the widget was given.

        Raises StepUpFailed, reason: rejected, duplicate, expired, unavailable.
        """
        if self.provider is None:
            raise StepUpFailed("unavailable")
        if not self.would_ask(response):
            raise StepUpFailed("rejected")
        answer = await self._ask(self.provider, response)
        if not answer.success:
            known = [REASONS[code] for code in answer.error_codes if code in REASONS]
            if not known:
                log.error("a captcha is not set up well", kind=self.kind, codes=answer.error_codes)
            raise StepUpFailed(known[0] if known else "unavailable")
        is_ours = (
            (not self._host or answer.hostname in ("", self._host))
            and answer.action in ("", ACTION)
            and answer.cdata in ("", bound_to)
        )
        if not is_ours:
            raise StepUpFailed("rejected")

    async def _ask(self, provider: Provider, response: str) -> Answer:
        # With the same key Turnstile answers a repeat as it answered first; others do not know it.
        digest = hashlib.sha256(self._tokens.token().encode()).digest()
        once = str(uuid.UUID(bytes=digest[:16], version=4))
        for number in range(TRIES):
            try:
                answer = await self._post(provider, response, once)
                is_repeat = number > 0 and self.kind != "turnstile"
                if is_repeat and REASONS.get(next(iter(answer.error_codes), "")) == "duplicate":
                    break  # it was we who used it up, and the first answer got lost
                return answer
            except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError, ValueError) as error:
                log.warning(
                    "a captcha's provider does not answer", kind=self.kind, error=str(error)
                )
        raise StepUpFailed("unavailable")

    async def _post(self, provider: Provider, response: str, once: str) -> Answer:
        assert self._session
        fields = {"response": response}
        if provider.is_json:
            request: dict[str, Any] = {
                "json": {**fields, "sitekey": self.site_key},
                "headers": {"X-API-Key": self._secret},
            }
        else:
            fields["secret"] = self._secret
            if self.kind == "turnstile":
                fields["idempotency_key"] = once
            if self.kind == "hcaptcha":
                fields["sitekey"] = self.site_key
            request = {"data": fields}
        async with self._session.post(self._url, **request) as reply:
            content = await reply.content.read(RESPONSE_CHARACTERS_MAX)
            if reply.status >= 500:
                raise ValueError(f"status {reply.status}")
        if provider.is_json:
            return read_friendly(content)
        return msgspec.json.decode(content, type=Answer)


def read_friendly(content: bytes) -> Answer:
    """Return Friendly Captcha's answer in the shape of the others."""
    match msgspec.json.decode(content):
        case {"success": True, "data": {"challenge": {"origin": str(origin)}}}:
            return Answer(success=True, hostname=urlsplit(f"//{origin}").hostname or "")
        case {"success": True}:
            return Answer(success=True)
        case {"success": False, "error": {"error_code": str(code)}}:
            return Answer(success=False, error_codes=(code,))
    raise ValueError("an answer of no known form")


def check_settings(kind: str, site_key: str, secret: str, *, is_production: bool) -> None:
    """Raise ValueError unless what was set up can work, and is not open to everybody."""
    if not kind:
        return
    if not site_key or not secret:
        raise ValueError("CAPTCHA needs CAPTCHA_SITE_KEY and CAPTCHA_SECRET")
    if is_production and secret in PROVIDERS[kind].test_secrets:
        raise ValueError("CAPTCHA_SECRET is published for tests and lets everybody pass")
