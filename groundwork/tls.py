"""TLS on a listener: a certificate and its key from files, and from the files again when they change."""

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NoReturn

import structlog

from groundwork.clock import Clock

# A look at two files costs microseconds; who renews a certificate sees it in use at once.
LOOK_EVERY_MS: Final = 2_000
# A handshake is two round trips; a phone at the edge of its network needs seconds for one.
HANDSHAKE_SECONDS: Final = 10.0

log = structlog.get_logger()


class CertificateError(ValueError):
    """The files are no certificate with its key; the text says why."""


class Certificate:
    """A certificate in use. Connections keep the one they began with."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises CertificateError."""
        self._files = (certificate, key)
        self._stamp = self._look()
        self._current = self._load()
        # What the listener has for good: each handshake is handed on to what was loaded last, so that
        # no handshake ever meets a certificate whose key is not there yet.
        self.context = self._load()
        self.context.sni_callback = self._hand_on

    def refresh(self) -> bool:
        """Load the files again if they changed; says whether they did.

        Raises CertificateError; what was loaded before stays in use then, and is tried again when the
        files change again.
        """
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self._current = self._load()
        return True

    @asynccontextmanager
    async def fresh(self, clock: Clock) -> AsyncIterator[None]:
        """Follow the files while the block runs: at once on SIGHUP, else within two seconds."""
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, told.set)

        async def follow() -> None:
            while True:
                # Whichever comes first; the clock's sleep is ended with the wait for the signal.
                waiting = [
                    asyncio.ensure_future(told.wait()),
                    asyncio.ensure_future(clock.sleep_ms(LOOK_EVERY_MS)),
                ]
                try:
                    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for each in waiting:
                        each.cancel()
                told.clear()
                try:
                    if await asyncio.to_thread(self.refresh):
                        log.info("a new certificate is in use")
                except CertificateError as error:
                    log.warning("the certificate in use stays", why=str(error))

        task = asyncio.create_task(follow(), name="follow the certificate")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            loop.remove_signal_handler(signal.SIGHUP)

    def _look(self) -> tuple[tuple[int, int, int], ...]:
        try:
            stats = [path.stat() for path in self._files]
        except OSError as error:
            raise CertificateError(str(error)) from error
        return tuple((stat.st_mtime_ns, stat.st_ino, stat.st_size) for stat in stats)

    def _load(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        certificate, key = self._files
        try:
            context.load_cert_chain(certificate, key, password=_refuse_password)
        except (OSError, ssl.SSLError) as error:
            raise CertificateError(f"{certificate} and {key}: {error}") from error
        return context

    def _hand_on(self, connection: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        connection.context = self._current


def _refuse_password() -> NoReturn:
    """Refuse a key under a password: nobody is there to type it."""
    raise CertificateError("the key is under a password; give one without, readable by us alone")


def trusting(certificate: Path) -> ssl.SSLContext:
    """Return what a client of ours trusts that knows the other end by this very certificate.

    Raises CertificateError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(certificate)
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(f"{certificate}: {error}") from error
    return context
