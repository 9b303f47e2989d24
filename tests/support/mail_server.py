"""A real SMTP server for tests, on a socket of its own, that can be slow or refuse what it is told to."""

import asyncio
import email
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from groundwork.mail_settings import MailSettings

USER, PASSWORD = "onsale", "p@ss of the tests"


class MailServer:
    """Keeps what it takes. Mailboxes named after a fault meet it: nobody@, full@, slow@, spam@."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.is_busy = False
        self.begun_tls: list[bool] = []
        self.port = 0
        self.open = 0
        self.open_most = 0
        self.slow_s = 30.0

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        match address.partition("@")[0]:
            case "nobody":
                return f"550 5.1.1 <{address}> is nobody here"
            case "full":
                return f"452 4.2.2 <{address}> has no room"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.is_busy:
            return "451 4.3.0 come back later"
        self.open += 1
        self.open_most = max(self.open_most, self.open)
        try:
            match envelope.rcpt_tos[0].partition("@")[0]:
                case "slow":
                    await asyncio.sleep(self.slow_s)
                case "spam":
                    return "554 5.7.1 no such words here"
            await asyncio.sleep(0.005)
        finally:
            self.open -= 1
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.begun_tls.append(session.ssl is not None)
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """What came for an address, in the order in which it did."""
        return [mail for mail in self.mails if mail["To"] == address]

    def settings(self, **changes: Any) -> MailSettings:
        given = {"smtp_url": f"smtp+plain://127.0.0.1:{self.port}", "mail_from": SENDER}
        return MailSettings(**given | changes)


SENDER = "Onsale <tickets@onsale.example>"


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@asynccontextmanager
async def mail_server(
    tls: ssl.SSLContext | None = None, *, needs_password: bool = False
) -> AsyncIterator[MailServer]:
    """Serve on a free port; with `tls` by STARTTLS."""
    handler = MailServer()

    def check(
        server: SMTP, session: Session, envelope: Envelope, how: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(
            success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False
        )

    def protocol() -> SMTP:
        return SMTP(
            handler, tls_context=tls, require_starttls=tls is not None, hostname="mail.example",
            auth_required=needs_password, authenticator=check if needs_password else None,
            auth_exclude_mechanism=["LOGIN"],
            loop=asyncio.get_running_loop(),
        )  # fmt: skip

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    handler.port = server.sockets[0].getsockname()[1]
    try:
        yield handler
    finally:
        server.close()
