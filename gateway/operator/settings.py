"""What the operator listener can be told, with the reasons for the defaults."""

import msgspec

from gateway.edge.hosts import Hosts
from groundwork.networks import trusted_networks


class OperatorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the operator listener; the environment has them in upper case (METRICS_FROM)."""

    # Networks whose machines may read the numbers without a token: a scraper beside us, no more.
    metrics_from: str = "127.0.0.0/8,::1"
    # The address operators type. Over https the session's cookie goes nowhere else. Empty: http, for
    # this machine alone.
    operator_url: str = ""
    # More names under which this listener may be asked for; commas between, no ports. Its addresses
    # and localhost may always.
    operator_hosts: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no network, and no address."""
        trusted_networks(self.metrics_from, "METRICS_FROM")
        if self.operator_url and not self.operator_url.startswith(("http://", "https://")):
            raise ValueError("OPERATOR_URL must begin with http(s)://")

        self.hosts()

    def hosts(self) -> Hosts:
        """Return what this listener may be called. Raises ValueError for what is no host."""
        return Hosts.of(self.operator_url, f"localhost,{self.operator_hosts}", takes_addresses=True)

    @property
    def is_secure(self) -> bool:
        """Whether operators come over https."""
        return self.operator_url.startswith("https://")
