"""Mail over a real server: what arrives, what each of its refusals means, and what never gets into a log."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from groundwork import mail as mail_module
from groundwork.clock import SystemClock
from groundwork.mail import Attachment, FolderMailer, Mail, Mailer, make_mailer
from groundwork.mail_address import read_mail_address
from groundwork.mail_errors import MailRefused, MailUnavailable
from groundwork.mail_settings import MailSettings
from tests.support.mail_server import PASSWORD, SENDER, MailServer, mail_server, text_of


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


def mailer_of(settings: MailSettings) -> Mailer:
    mailer = make_mailer(settings, SystemClock())
    assert mailer is not None
    return mailer


def mail_to(address: str, **changes: Any) -> Mail:
    to = read_mail_address(address)
    assert to is not None
    given: dict[str, Any] = {
        "name": "one", "kind": "code", "to": to, "subject": "Dein Code für Ärzte", "text": "Grüße\n",
        "language": "de",
    }  # fmt: skip
    return Mail(**given | changes)


async def test_what_is_sent_arrives(server: MailServer) -> None:
    mail = mail_to("fan@example.org", attachments=(Attachment("tickets.pdf", b"%PDF-1.7 \xff"),))
    await mailer_of(server.settings()).send(mail)
    (came,) = server.to("fan@example.org")
    assert came["From"] == SENDER
    assert came["Subject"] == "Dein Code für Ärzte"
    assert came["Message-ID"] == "<code.one@onsale.example>"
    assert came["Auto-Submitted"] == "auto-generated"
    assert came["Date"]
    assert text_of(came) == "Grüße\n"
    (attached,) = came.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("tickets.pdf", b"%PDF-1.7 \xff")


async def test_a_line_break_in_a_name_begins_no_header(server: MailServer) -> None:
    await mailer_of(server.settings()).send(mail_to("fan@example.org", subject="A\r\nBcc: b@c.de"))
    assert server.mails[0]["Subject"] == "A Bcc: b@c.de"
    assert server.mails[0]["Bcc"] is None


@pytest.mark.parametrize(
    ("address", "refusal"),
    [
        ("nobody@example.org", MailRefused),
        ("spam@example.org", MailRefused),
        ("full@example.org", MailUnavailable),
    ],
)
async def test_what_a_refusal_means_and_what_is_noted_of_it(
    server: MailServer, address: str, refusal: type[Exception]
) -> None:
    with structlog.testing.capture_logs() as logs, pytest.raises(refusal):
        await mailer_of(server.settings()).send(mail_to(address))
    (entry,) = logs
    assert entry["event"] == "a mail was not taken"
    assert "example.org" not in repr(entry), "no address in a log"
    assert server.mails == []


async def test_a_busy_server_and_one_that_is_away_are_asked_again(server: MailServer) -> None:
    server.is_busy = True
    with pytest.raises(MailUnavailable):
        await mailer_of(server.settings()).send(mail_to("fan@example.org"))
    gone = server.settings(smtp_url="smtp+plain://127.0.0.1:1")
    with pytest.raises(MailUnavailable):
        await mailer_of(gone).send(mail_to("fan@example.org"))


async def test_a_slow_server_is_waited_for_so_long(server: MailServer) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(MailUnavailable):
        await mailer_of(server.settings(smtp_ms=300)).send(mail_to("slow@example.org"))
    assert loop.time() - began < 2


async def test_few_connections_at_once_and_not_everybody_waits(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_module, "WAITING_MAX", 20)
    mailer = mailer_of(server.settings())
    sends = [mailer.send(mail_to(f"fan{number}@example.org")) for number in range(25)]
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert [type(each) for each in outcomes if each] == [MailUnavailable] * 5
    assert len(server.mails) == 20
    assert server.open_most <= mail_module.AT_ONCE_MAX


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 and its key in one file."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    now = datetime.now(UTC)
    alone = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alone, critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*plain))
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    return folder


async def test_a_password_goes_through_tls_and_only_to_a_server_that_is_known(
    certificate: Path,
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    async with mail_server(context, needs_password=True) as server:
        url = f"smtp://onsale:p%40ss%20of%20the%20tests@127.0.0.1:{server.port}"
        known = server.settings(smtp_url=url, smtp_ca_file=str(certificate / "cert.pem"))
        await mailer_of(known).send(mail_to("fan@example.org"))
        assert server.begun_tls == [True]
        with pytest.raises(MailUnavailable):
            await mailer_of(server.settings(smtp_url=url)).send(mail_to("fan@example.org"))
        wrong = known.smtp_url.replace("p%40ss", "pass")
        with structlog.testing.capture_logs() as logs, pytest.raises(MailUnavailable):
            await mailer_of(server.settings(smtp_url=wrong, smtp_ca_file=known.smtp_ca_file)).send(
                mail_to("fan@example.org")
            )
        assert logs[0]["status"] == 535
    assert PASSWORD not in repr(known.server)


async def test_starttls_is_not_given_up_for_a_server_without(server: MailServer) -> None:
    with pytest.raises(MailUnavailable):
        await mailer_of(server.settings(smtp_url=f"smtp://127.0.0.1:{server.port}")).send(
            mail_to("fan@example.org")
        )
    assert server.mails == []


async def test_a_folder_takes_mails_as_files_one_for_each(tmp_path: Path) -> None:
    mailer = mailer_of(MailSettings(mail_folder=str(tmp_path / "mail"), mail_from=SENDER))
    assert isinstance(mailer, FolderMailer)
    for _ in range(2):
        await mailer.send(mail_to("fan@example.org"))
    (file,) = (tmp_path / "mail").iterdir()
    assert file.name == "code-one.eml"
    assert "Grüße" in file.read_text("utf-8"), "readable as it is"
    assert file.stat().st_mode & 0o077 == 0
    (tmp_path / "mail" / "here").touch()
    blocked = mailer_of(MailSettings(mail_folder=str(tmp_path / "mail/here"), mail_from=SENDER))
    with pytest.raises(MailUnavailable):
        await blocked.send(mail_to("fan@example.org"))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"smtp_url": "smtps://mail.example"}, "MAIL_FROM"),
        ({"smtp_url": "smtps://mail.example", "mail_from": "nobody"}, "MAIL_FROM"),
        ({"smtp_url": "http://mail.example", "mail_from": SENDER}, "SMTP_URL"),
        ({"smtp_url": "smtps://", "mail_from": SENDER}, "SMTP_URL"),
        ({"smtp_url": "smtps://mail.example:70000", "mail_from": SENDER}, "SMTP_URL"),
        ({"smtp_url": "smtps://user@mail.example", "mail_from": SENDER}, "a password"),
        ({"smtp_url": "smtp+plain://u:p@mail.example", "mail_from": SENDER}, "smtp.plain"),
        (
            {"smtp_url": "smtps://mail.example", "mail_folder": "/tmp", "mail_from": SENDER},
            "set one",
        ),
        ({"smtp_ca_file": "/nowhere.pem"}, "SMTP_CA_FILE"),
    ],
)
def test_what_cannot_work_stops_the_start(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why) as refusal:
        MailSettings(**settings)
    assert "u:p" not in str(refusal.value)


def test_nothing_set_is_nothing_sent() -> None:
    assert make_mailer(MailSettings(), SystemClock()) is None
