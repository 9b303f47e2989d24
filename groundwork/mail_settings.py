"""How mail leaves the house, with the reasons for the defaults."""

from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import unquote, urlsplit

import msgspec

from groundwork.mail_address import read_mail_address

# RFC 8314 and RFC 6409: submission within TLS, submission that begins TLS, and plain relaying.
PORTS: Final = {"smtps": 465, "smtp": 587, "smtp+plain": 25}


class MailSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of mail; the environment has them in upper case (SMTP_URL)."""

    # smtps://user:password@host[:465], or smtp:// for STARTTLS, which is then required; smtp+plain://
    # encrypts nothing and takes no password. Empty: no server.
    smtp_url: str = ""
    # Whom mail comes from, as `Name <address>` or an address alone.
    mail_from: str = ""
    # Instead of a server: each mail is a file there, to be opened with any mail program.
    mail_folder: str = ""
    # Who signed the server's certificate, if none that this machine trusts anyway (a PEM file).
    smtp_ca_file: str = ""
    # From connecting to the server's last word. Servers answer within a second or two; a fan waits
    # for a code meanwhile.
    smtp_ms: Annotated[int, msgspec.Meta(ge=100, le=20_000)] = 10_000

    def __post_init__(self) -> None:
        """Refuse relations between settings that cannot work."""
        if self.smtp_url and self.mail_folder:
            raise ValueError("SMTP_URL and MAIL_FOLDER are two ways for the same mail; set one")
        if self.smtp_url:
            self._check_url()
        if self.is_on and self.sender is None:
            raise ValueError("MAIL_FROM must be an address, or `Name <address>`")
        if self.smtp_ca_file and not Path(self.smtp_ca_file).is_file():
            raise ValueError(f"SMTP_CA_FILE={self.smtp_ca_file!r} is no file")

    def _check_url(self) -> None:
        # Never with the URL itself in the text: it has a password.
        try:
            parts = urlsplit(self.smtp_url)
            is_whole = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_whole = False
        if not is_whole or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(f"SMTP_URL must be one of {', '.join(PORTS)}, then ://host[:port]")
        if bool(parts.username) != bool(parts.password):
            raise ValueError("SMTP_URL needs a user and a password, or neither")
        if parts.username and parts.scheme == "smtp+plain":
            raise ValueError("SMTP_URL must not send a password over smtp+plain://")

    @property
    def is_on(self) -> bool:
        """Whether mail goes anywhere."""
        return bool(self.smtp_url or self.mail_folder)

    @property
    def sender(self) -> Address | None:
        """Whom mail comes from; None without an address that can be one."""
        name, text = parseaddr(self.mail_from)
        address = read_mail_address(text)
        if address is None or not name.isprintable():
            return None
        return Address(name, address.local, address.domain)

    @property
    def server(self) -> "SmtpServer":
        """The server of SMTP_URL."""
        parts = urlsplit(self.smtp_url)
        return SmtpServer(
            host=parts.hostname or "",
            port=parts.port or PORTS[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            is_tls=parts.scheme == "smtps",
            begins_tls=parts.scheme == "smtp",
        )


class SmtpServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail is handed over, and how."""

    host: str
    port: int
    user: str
    password: str
    is_tls: bool
    begins_tls: bool

    def __repr__(self) -> str:
        return f"SmtpServer({self.host!r}, {self.port})"  # no password in logs
