"""Where the requests of a connection end, by what their heads say of their bodies."""

import re
from typing import Final

HEAD_END: Final = b"\r\n\r\n"
CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: ?([0-9]{1,9})\r\n")
# Where a connection's bytes end: so many of a body are still to come, or nobody can tell any more.
BETWEEN_REQUESTS: Final = 0
UNKNOWN: Final = -1


def bytes_owed(data: bytes, owed: int) -> int:
    """Return how many bytes of a body are missing after these, or UNKNOWN when that is not certain.

    `owed` are those that were missing before.
    """
    if owed == BETWEEN_REQUESTS and data:  # aiohttp calls itself with nothing, to go on reading
        end = data.find(HEAD_END)
        if end < 0:
            return UNKNOWN
        end += len(HEAD_END)
        head = data[:end].lower()
        if b"transfer-encoding" in head or b"upgrade" in head:
            return UNKNOWN
        if b"content-length" in head:
            length = CONTENT_LENGTH.search(head)
            if length is None or head.count(b"content-length") > 1:
                return UNKNOWN
            owed = int(length[1])
        data = data[end:]
    owed -= len(data)
    return owed if owed >= 0 else UNKNOWN
