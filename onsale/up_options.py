"""What `onsale up` is asked for, and the addresses that follow from it."""

from dataclasses import dataclass
from pathlib import Path

from onsale.ports import EVERYWHERE, LOOPBACK, in_url


@dataclass(frozen=True, kw_only=True)
class UpOptions:
    """What `onsale up` was asked for."""

    host: str
    port: int
    operator_port: int
    provider_port: int
    data_dir: Path
    workers: int
    is_demo: bool
    # PEM files of the gateway's certificate and key; empty: it speaks plain http.
    tls_certificate: str = ""
    tls_key: str = ""
    # Where plain http is sent to https from.
    redirect_port: int | None = None

    @property
    def has_tls(self) -> bool:
        """Whether the gateway speaks TLS."""
        return bool(self.tls_certificate)

    @property
    def redirect_arguments(self) -> tuple[str, ...]:
        """What a gateway process is told of the plain port."""
        return () if self.redirect_port is None else ("--redirect-port", str(self.redirect_port))

    @property
    def gateway_url(self) -> str:
        """The address fans type; browsers treat localhost as secure."""
        name = "localhost" if self.host in (LOOPBACK, *EVERYWHERE) else self.host
        return f"{self._scheme}://{in_url(name)}:{self.port}"

    @property
    def near_url(self) -> str:
        """The address for our own parts: by number, so that it names the socket that listens."""
        name = LOOPBACK if self.host in EVERYWHERE else self.host
        return f"{self._scheme}://{in_url(name)}:{self.port}"

    @property
    def operator_url(self) -> str:
        """The address of health and metrics."""
        return f"http://127.0.0.1:{self.operator_port}"

    @property
    def provider_url(self) -> str:
        """The address of the practice payment provider."""
        return f"http://127.0.0.1:{self.provider_port}"

    @property
    def _scheme(self) -> str:
        return "https" if self.has_tls else "http"
