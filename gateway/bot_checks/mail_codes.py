"""One-time codes by e-mail: made and sent while the fan waits, kept as a keyed hash for some minutes.

Whoever asks is answered alike whether there is such a mailbox, and whether it has had enough codes:
an answer tells nobody who takes part in a sale.
"""

import hmac
import random
import unicodedata
from collections.abc import Callable
from typing import Final

import msgspec

from gateway import metrics
from gateway.bot_checks.limiting import Limits
from gateway.bot_checks.limits import MAILBOX
from groundwork.check_errors import MailCodeInvalid
from groundwork.clock import Clock, TokenSource
from groundwork.errors import TooManyRequests
from groundwork.mail import Mail, Mailer
from groundwork.mail_address import MailAddress
from groundwork.mail_errors import MailRefused, MailUnavailable
from lua import LuaScript
from lua.epochs import Epochs
from lua.keys import mail_code_key

SECRET_NAME: Final = b"mail codes"
# Eight digits with five tries, five codes a mailbox: one in four million finds somebody else's.
CODE_DIGITS: Final = 8
TRIES_MAX: Final = 5
# Mail takes minutes now and then, and some people read slowly (WCAG 2.2.1 asks for no less).
CODE_MS: Final = 10 * 60_000
# More than anybody types for eight digits, with gaps between them.
TYPED_CHARACTERS_MAX: Final = 32
# Where no code could be sent yet, nobody has seen how long that takes.
RETRY_SECONDS: Final = 60

Writer = Callable[[str], tuple[str, str]]


class _Kept(msgspec.Struct):
    mac: str
    mailbox: str
    tries: int = 0


class MailCodes:
    """Sends codes and says whether what is typed is the one. Without a mailer there are none."""

    def __init__(
        self,
        epochs: Epochs,
        limits: Limits,
        mailer: Mailer | None,
        secret: bytes,
        clock: Clock,
        rng: random.Random,
        tokens: TokenSource,
    ) -> None:
        self._epochs = epochs
        self._limits = limits
        self._mailer = mailer
        self._secret = secret
        self._clock = clock
        self._rng = rng
        self._tokens = tokens
        self._try_mail_code = LuaScript("try_mail_code")
        # What the last mail took: who gets none waits as long.
        self._took_ms = 0.0

    @property
    def is_on(self) -> bool:
        """Whether codes can be sent."""
        return self._mailer is not None

    def name_of(self, sale_id: str, address: MailAddress) -> str:
        """Return what a mailbox is called in a sale; without our secret nobody finds it by trying."""
        text = f"{sale_id}:mailbox:{address.mailbox}"
        return hmac.digest(self._secret, text.encode(), "sha256").hex()

    async def send(
        self, sale_id: str, name: str, address: MailAddress, language: str, write: Writer
    ) -> None:
        """Send a code for what is called `name`; one sent before counts no more.

        `write` makes subject and text for a code. Raises MailUnavailable when no mail can be sent.
        """
        if self._mailer is None:
            raise MailUnavailable(RETRY_SECONDS)
        mailbox = self.name_of(sale_id, address)
        try:
            await self._limits.spend(MAILBOX, sale_id, own=mailbox)
        except TooManyRequests:
            await self._clock.sleep_ms(self._took_ms)
            return
        code = f"{self._rng.randrange(10**CODE_DIGITS):0{CODE_DIGITS}}"
        kept = msgspec.json.encode(_Kept(self._mac(sale_id, name, code), mailbox))
        await self._epochs.store.call("SET", mail_code_key(sale_id, name), kept, "PX", CODE_MS)
        subject, text = write(f"{code[:4]} {code[4:]}")
        mail = Mail(
            name=self._tokens.token(),
            kind="code",
            to=address,
            subject=subject,
            text=text,
            language=language,
        )
        began_ms = self._clock.monotonic_ms()
        try:
            await self._mailer.send(mail)
        except MailRefused:
            metrics.BOT_CHECKS.labels(sale_id, "mail_code", "refused").inc()
        else:
            metrics.BOT_CHECKS.labels(sale_id, "mail_code", "sent").inc()
        self._took_ms = self._clock.monotonic_ms() - began_ms

    async def check(self, sale_id: str, name: str, typed: str) -> str:
        """Return the mailbox's name if this is the code that was sent last. Every call is a try.

        Raises MailCodeInvalid, reason: wrong, used-up, expired.
        """
        answer = await self._epochs.run(
            self._try_mail_code,
            ("sale", sale_id),
            {"code": mail_code_key(sale_id, name)},
            {"tries_max": TRIES_MAX},
        )
        match answer:
            case ["try", str(mac), str(mailbox), int()]:
                if hmac.compare_digest(mac, self._mac(sale_id, name, digits_of(typed))):
                    metrics.BOT_CHECKS.labels(sale_id, "mail_code", "passed").inc()
                    return mailbox
                raise MailCodeInvalid("wrong")
            case ["used_up"]:
                raise MailCodeInvalid("used-up")
            case ["gone"]:
                raise MailCodeInvalid("expired")
        raise AssertionError(f"try_mail_code.lua broke its contract: {answer!r}")

    def _mac(self, sale_id: str, name: str, code: str) -> str:
        return hmac.digest(self._secret, f"{sale_id}:{name}:{code}".encode(), "sha256").hex()


def digits_of(typed: str) -> str:
    """Return the digits of what a person typed, in whatever script, without gaps and dashes."""
    found = (unicodedata.digit(each, -1) for each in typed[:TYPED_CHARACTERS_MAX])
    return "".join(str(digit) for digit in found if digit >= 0)
