"""Sends mail: one at a time over SMTP with everything bounded, or into a folder to rehearse with.

What must not be lost is sent from the outbox, which asks again; what a fan waits for is sent at once.
No address and no word of a mail comes into a log.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Final, Protocol

import aiosmtplib
import structlog

from groundwork.clock import Clock
from groundwork.mail_address import MailAddress
from groundwork.mail_errors import MailRefused, MailUnavailable
from groundwork.mail_settings import MailSettings

# Connections to the server from one process: providers take ten or twenty from one customer.
AT_ONCE_MAX: Final = 8
# Who waits behind them is told that mail is not to be had; the others still get theirs in time.
WAITING_MAX: Final = 200
RETRY_SECONDS: Final = 10
# As the server's answers begin that another try does not change.
REFUSED_FROM: Final = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A PDF that goes along."""

    filename: str
    pdf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail. `name` is its own for good: a mail that is sent twice is one and the same."""

    name: str
    kind: str
    to: MailAddress
    subject: str
    text: str
    language: str
    attachments: tuple[Attachment, ...] = ()


class Mailer(Protocol):
    """What mail is given to."""

    async def send(self, mail: Mail) -> None:
        """Return when the mail is in somebody else's hands.

        Raises MailRefused (for good), MailUnavailable (ask again).
        """


def make_mailer(settings: MailSettings, clock: Clock) -> Mailer | None:
    """Return what sends mail as it was set up; None when nothing was."""
    sender = settings.sender
    if not settings.is_on or sender is None:
        return None
    if settings.mail_folder:
        return FolderMailer(Path(settings.mail_folder), sender, clock)
    return SmtpMailer(settings, sender, clock)


class SmtpMailer:
    """Hands each mail to the server of the settings, on a connection of its own."""

    def __init__(self, settings: MailSettings, sender: Address, clock: Clock) -> None:
        self._server = settings.server
        self._timeout_s = settings.smtp_ms / 1000
        self._sender = sender
        self._clock = clock
        self._tls = ssl.create_default_context(cafile=settings.smtp_ca_file or None)
        self._free = asyncio.Semaphore(AT_ONCE_MAX)
        self._waiting = 0

    async def send(self, mail: Mail) -> None:
        """Hand the mail to the server. Raises MailRefused, MailUnavailable."""
        message = message_of(mail, self._sender, self._clock.now_ms())
        async with self._turn(mail):
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._hand_over(message, str(mail.to))
            except (TimeoutError, OSError, aiosmtplib.SMTPException) as error:
                raise _refusal_of(error, mail) from error

    @asynccontextmanager
    async def _turn(self, mail: Mail) -> AsyncIterator[None]:
        if self._waiting >= WAITING_MAX:
            log.warning("too many mails wait", kind=mail.kind)
            raise MailUnavailable(RETRY_SECONDS)
        self._waiting += 1
        try:
            async with self._free:
                yield
        finally:
            self._waiting -= 1

    async def _hand_over(self, message: EmailMessage, to: str) -> None:
        server = self._server
        await aiosmtplib.send(
            message,
            sender=self._sender.addr_spec,
            recipients=[to],
            hostname=server.host,
            port=server.port,
            username=server.user or None,
            password=server.password or None,
            use_tls=server.is_tls,
            start_tls=server.begins_tls,
            tls_context=self._tls if server.is_tls or server.begins_tls else None,
            local_hostname=self._sender.domain,
            timeout=self._timeout_s,
        )


def _refusal_of(error: Exception, mail: Mail) -> Exception:
    """Return what an error of the server means for this mail, and note it without its words.

    What is said about the mailbox or the content holds for good; about ourselves (our password, our
    address) it is somebody's mistake here, and mail goes on when it is mended.
    """
    status = 0
    match error:
        case aiosmtplib.SMTPRecipientsRefused(
            recipients=[aiosmtplib.SMTPRecipientRefused() as one]
        ):
            status, is_about_it = one.code, True
        case aiosmtplib.SMTPDataError() | aiosmtplib.SMTPRecipientRefused():
            status, is_about_it = error.code, True
        case aiosmtplib.SMTPResponseException():
            status, is_about_it = error.code, False
        case _:
            is_about_it = False
    log.warning(
        "a mail was not taken", kind=mail.kind, error=type(error).__name__, status=status or None
    )
    if is_about_it and status >= REFUSED_FROM:
        return MailRefused()
    return MailUnavailable(RETRY_SECONDS)


class FolderMailer:
    """Writes each mail to a file that any mail program opens: to rehearse with, no mail leaves."""

    def __init__(self, folder: Path, sender: Address, clock: Clock) -> None:
        self._folder = folder
        self._sender = sender
        self._clock = clock

    async def send(self, mail: Mail) -> None:
        """Write the file; the same mail again is the same file. Raises MailUnavailable."""
        message = message_of(mail, self._sender, self._clock.now_ms(), cte="8bit")
        try:
            await asyncio.to_thread(self._write, f"{mail.kind}-{mail.name}.eml", bytes(message))
        except OSError as error:
            log.warning("a mail could not be written", kind=mail.kind, error=type(error).__name__)
            raise MailUnavailable(RETRY_SECONDS) from error

    def _write(self, filename: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = self._folder / f".{filename}"
        written.touch(mode=0o600)
        written.write_bytes(content)
        written.replace(self._folder / filename)


def message_of(
    mail: Mail, sender: Address, at_ms: int, cte: str = "quoted-printable"
) -> EmailMessage:
    """Return the mail as it is sent: plain text, which every reader shows and reads aloud."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = str(mail.to)
    # Names of sales come from people: a line break in one must not begin another header.
    message["Subject"] = " ".join(mail.subject.split())
    message["Date"] = format_datetime(datetime.fromtimestamp(at_ms / 1000, UTC))
    message["Message-ID"] = f"<{mail.kind}.{mail.name}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: holiday notices stay at home
    message.set_content(mail.text, cte=cte)
    message["Content-Language"] = mail.language
    for attachment in mail.attachments:
        message.add_attachment(
            attachment.pdf, maintype="application", subtype="pdf", filename=attachment.filename
        )
    return message
