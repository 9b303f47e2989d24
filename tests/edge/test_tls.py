"""TLS on a real listener: what is spoken, and that a new certificate disturbs nobody."""

import asyncio
import os
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509

from gateway.edge.to_https import make_redirect_app
from gateway.settings import GatewaySettings
from groundwork.clock import SystemClock
from groundwork.event_streams import EventStreams
from groundwork.front_runner import FrontRunner
from groundwork.front_site import FrontSite
from groundwork.settings import SettingsError, read_settings
from groundwork.tls import Certificate, CertificateError, trusting
from tests.edge.made_certificate import MadeCertificate, make_certificate
from tests.edge.slow_server import small_app

PUBLIC = "https://fans.example"
PATIENCE_SECONDS = 10


@asynccontextmanager
async def listening(app: web.Application, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    runner = FrontRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await FrontSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@pytest.fixture
def made(tmp_path: Path) -> MadeCertificate:
    return make_certificate(tmp_path)


async def shown(port: int, context: ssl.SSLContext | None = None) -> tuple[int, str]:
    """The serial number of the certificate that a new connection is shown, and the protocol."""
    if context is None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        tls = writer.get_extra_info("ssl_object")
        number = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True)).serial_number
        return number, tls.version()
    finally:
        writer.transport.abort()


async def test_fans_are_answered_over_tls_and_not_by_old_versions(made: MadeCertificate) -> None:
    certificate = Certificate(made.certificate, made.key)
    async with listening(small_app(), certificate.context) as port:
        async with aiohttp.ClientSession() as session:
            for path in ("/ready", "/give"):
                url = f"https://localhost:{port}{path}"
                async with session.get(url, ssl=trusting(made.certificate)) as answer:
                    assert answer.status == 200, path
                    await answer.read()
        assert await shown(port) == (made.serial(), "TLSv1.3")
        modern = ssl.create_default_context()
        modern.check_hostname, modern.verify_mode = False, ssl.CERT_NONE
        modern.maximum_version = ssl.TLSVersion.TLSv1_2
        assert (await shown(port, modern))[1] == "TLSv1.2"
        old = ssl.create_default_context()
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await shown(port, old)


class Numbers:
    """Tells a number when there is a new one."""

    now = 0

    def after(self, cursor: int) -> tuple[bytes, int]:
        return (b"" if cursor == self.now else b"%d\n" % self.now), self.now


@pytest.mark.parametrize("is_tls", [False, True])
async def test_a_stream_goes_on_over_tls(made: MadeCertificate, is_tls: bool) -> None:
    feed, clock = Numbers(), SystemClock()
    streams = EventStreams(clock, "board", streams_max=8, owner_streams_max=8)
    channel = streams.channel("n", feed)

    async def stream(_: web.Request) -> web.StreamResponse:
        return streams.open(channel, 0, b"hello\n")

    app = web.Application()
    app.router.add_get("/", stream)
    tls = Certificate(made.certificate, made.key).context if is_tls else None
    async with listening(app, tls) as port, streams.running():
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trusting(made.certificate) if is_tls else None
        )
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await reader.readuntil(b"hello\n")
            for number in (1, 2):
                feed.now = number
                channel.changed()
                await reader.readuntil(b"%d\n" % number)
        writer.transport.abort()
        await streams.close_all(app)


@pytest.mark.parametrize("how", ["signal", "files"])
async def test_a_new_certificate_is_shown_and_nobody_is_dropped(
    made: MadeCertificate, tmp_path: Path, how: str
) -> None:
    certificate = Certificate(made.certificate, made.key)
    served, failed = 0, []
    is_over = asyncio.Event()

    async def fan(session: aiohttp.ClientSession, url: str) -> None:
        nonlocal served
        while not is_over.is_set():
            try:
                async with session.get(url, ssl=no_check) as answer:
                    assert answer.status == 200
                    await answer.read()
                served += 1
            except Exception as error:
                failed.append(error)

    no_check = ssl.create_default_context()
    no_check.check_hostname, no_check.verify_mode = False, ssl.CERT_NONE
    async with (
        certificate.fresh(SystemClock()),
        listening(small_app(), certificate.context) as port,
        # Half of them with a new handshake for each request.
        aiohttp.ClientSession() as keeping,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as coming,
    ):
        first = await shown(port)
        kept = await asyncio.open_connection("127.0.0.1", port, ssl=no_check)
        url = f"https://127.0.0.1:{port}/ready"
        fans = [asyncio.create_task(fan(each, url)) for each in (keeping, coming) * 4]
        seen = {first[0]}
        for name in ("two", "three"):
            made.replace_by(make_certificate(tmp_path, name))
            if how == "signal":
                os.kill(os.getpid(), signal.SIGHUP)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (now := (await shown(port))[0]) != made.serial():
                    await asyncio.sleep(0.05)
            seen.add(now)
            before = served
            while served < before + 20:
                await asyncio.sleep(0.01)
        kept[1].write(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
        await kept[0].readuntil(b"ready")
        kept[1].transport.abort()
        is_over.set()
        await asyncio.gather(*fans)
    assert len(seen) == 3
    assert failed == []
    assert served > 40


async def test_half_a_renewal_changes_nothing(made: MadeCertificate, tmp_path: Path) -> None:
    certificate = Certificate(made.certificate, made.key)
    other = make_certificate(tmp_path, "other")
    serial = made.serial()
    async with listening(small_app(), certificate.context) as port:
        made.certificate.write_bytes(other.certificate.read_bytes())  # the key comes later
        with pytest.raises(CertificateError):
            certificate.refresh()
        assert (await shown(port))[0] == serial
        made.key.write_bytes(other.key.read_bytes())
        assert certificate.refresh()
        assert not certificate.refresh()
        assert (await shown(port))[0] == other.serial()


def test_what_is_no_certificate_stops_the_start(made: MadeCertificate, tmp_path: Path) -> None:
    other = make_certificate(tmp_path, "other")
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for certificate, key in (
        (made.certificate, other.key),
        (empty, made.key),
        (made.key, made.key),
        (tmp_path / "nothing.pem", made.key),
    ):
        with pytest.raises(CertificateError):
            Certificate(certificate, key)


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"TLS_CERTIFICATE": "a.pem", "PUBLIC_URL": PUBLIC}, "need each other"),
        ({"TLS_KEY": "a.key", "PUBLIC_URL": PUBLIC}, "need each other"),
        ({"TLS_CERTIFICATE": "a.pem", "TLS_KEY": "a.key"}, "https://"),
        ({"TLS_CERTIFICATE": "a", "TLS_KEY": "b", "PUBLIC_URL": "http://fans.example"}, "https://"),
    ],
)
def test_half_of_the_settings_stop_the_start(environ: dict[str, str], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        read_settings(GatewaySettings, environ)


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/sales/tour?lang=de", f"{PUBLIC}/sales/tour?lang=de"),
        ("/a%2Fb?c=%20", f"{PUBLIC}/a%2Fb?c=%20"),
        ("//evil.example/x", f"{PUBLIC}//evil.example/x"),
        ("/\\evil.example", f"{PUBLIC}/\\evil.example"),
        ("http://evil.example/x", f"{PUBLIC}/"),
    ],
)
async def test_plain_http_is_sent_to_our_own_address_and_no_other(
    target: str, location: str
) -> None:
    async with listening(make_redirect_app(PUBLIC), None) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"POST {target} HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n".encode()
        )
        async with asyncio.timeout(5):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.close()
    assert head.startswith("HTTP/1.1 308 ")
    assert f"Location: {location}\r\n" in head
    # Browsers must not believe it over http, and no software should name itself.
    assert "Strict-Transport-Security" not in head
    assert "Server:" not in head


def test_only_https_is_promised_for_ever_and_never_for_localhost() -> None:
    assert GatewaySettings(public_url=PUBLIC).is_strict
    assert not GatewaySettings(public_url="http://fans.example").is_strict
    assert not GatewaySettings(public_url="https://localhost:8443").is_strict
