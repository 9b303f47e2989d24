"""The ports of `onsale up`: kept for its children, who share them."""

import errno
import socket

from onsale.cannot_start import CannotStart

# The operator listener and the practice provider are for this machine only.
LOOPBACK = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (compared with, not bound to)


def in_url(host: str) -> str:
    """Return a host as it is written in addresses."""
    return f"[{host}]" if ":" in host else host


def reserve_port(host: str, port: int, option: str) -> socket.socket:
    """Return a socket that has the port and does not listen, so that only our children get calls.

    They share it with us; nobody who wants it alone can have it. Raises CannotStart.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as alone:
            # Of a port that is shared already, anybody could have a share: so ask for all of it.
            # The option excuses connections that linger after their end, not listeners.
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(address)
        reserved = socket.socket(family, kind)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(f"Port {port} is taken: choose another {option}.") from error
        raise CannotStart(f"Port {port} of {host} cannot be used: {error.strerror}.") from error
    return reserved
