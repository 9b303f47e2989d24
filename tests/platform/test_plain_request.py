"""Requests read without the framework: as it reads them, or not at all."""

import pytest
from aiohttp._cookie_helpers import parse_cookie_header

from gateway.edge.client_address import ClientAddresses
from groundwork import plain_request
from groundwork.plain_request import (
    BODY_BYTES_MAX,
    NotPlain,
    Peer,
    PlainRequest,
    read_headers,
    read_plain,
)

PEER = Peer("127.0.0.1", "http")


def plain(head: str, body: bytes = b"", method: str = "POST") -> PlainRequest:
    return read_plain(None, method, "/", f"X{head}\r\n\r\n".encode() + body, 1, PEER)  # type: ignore[arg-type]


def test_a_body_is_as_long_as_its_head_says() -> None:
    assert plain("\r\nContent-Length: 3", b"abc").body == b"abc"
    assert plain("\r\nContent-Length: 0").body == b""
    assert plain("\r\nX: y", method="GET").body == b""
    longest = b"x" * BODY_BYTES_MAX
    assert plain(f"\r\nContent-Length: {len(longest)}", longest).body == longest
    for head, body in (
        ("\r\nX: y", b""), ("\r\nX: y", b"abc"), ("\r\nContent-Length: 2", b"abc"),
        ("\r\nContent-Length: 4", b"abc"), ("\r\nContent-Length: +3", b"abc"),
        ("\r\nContent-Length: 3, 3", b"abc"), ("\r\nContent-Length: 3\r\ncontent-length: 3", b"abc"),
        ("\r\nContent-Length: \u0663", b"abc"), ("\r\nContent-Length: 0x3", b"abc"), ("", b""),
        (f"\r\nContent-Length: {BODY_BYTES_MAX + 1}", longest + b"x"),
    ):  # fmt: skip
        with pytest.raises(NotPlain):
            plain(head, body)
    with pytest.raises(NotPlain):
        plain("\r\nX: y", b"abc", method="GET")


@pytest.mark.parametrize(
    "text",
    [
        "", "a=b", "a=b; c=d", "a=b; a=c", "__Host-onsale-pass-x=ey.J-_.z; _ga=GA1.1.2", "a=b=c==",
        "expires=x; path=/; a=b", "a=(b)", "a=[b]",
    ],
)  # fmt: skip
def test_cookies_are_read_as_the_framework_reads_them(text: str) -> None:
    headers = read_headers(b"Cookie: " + text.encode()) if text else read_headers(b"X: y")
    request = PlainRequest(None, "GET", "/", headers, b"", PEER)  # type: ignore[arg-type]
    assert request.cookies == {name: each.value for name, each in parse_cookie_header(text)}


def test_headers_are_found_however_they_are_written() -> None:
    headers = read_headers(b"dpop: a\r\nSEC-Fetch-Site:  cross-site ")
    assert headers.get("DPoP") == headers["DPoP"] == "a"
    assert headers["Sec-Fetch-Site"] == "cross-site"
    assert "Sec-Fetch-SITE" in headers
    assert "Origin" not in headers
    assert headers.get("Origin", "none") == "none"


def test_who_is_at_the_other_end_is_known_without_the_framework() -> None:
    lines = (
        b"POST / HTTP/1.1\r\nX-Forwarded-For: 1.1.1.1, 198.51.100.1\r\nContent-Length: 0\r\n\r\n"
    )
    end = lines.find(b"\r\n")
    for remote, address in (("10.0.0.1", "198.51.100.1"), ("203.0.113.9", "203.0.113.9")):
        peer = Peer(remote, "https")
        request = read_plain(None, "POST", "/", lines, end, peer)  # type: ignore[arg-type]
        assert ClientAddresses("10.0.0.0/8").of(request) == address
        assert request.scheme == "https"


def test_only_lines_that_many_send_are_remembered_and_made_up_ones_push_nobody_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plain_request, "LINES_REMEMBERED_MAX", 4)
    remembered = plain_request._lines
    remembered.clear()
    own = "Cookie: a=b\r\nAuthorization: Bearer x\r\nIdempotency-Key: 1\r\nX-Forwarded-For: 8.8.8.8"
    for _ in range(2):
        headers = read_headers(f"Host: x\r\nUser-Agent: y\r\n{own}".encode())
        assert (headers["host"], headers["cookie"]) == ("x", "a=b")
    assert sorted(remembered) == [b"Host: x", b"User-Agent: y"]
    for number in range(20):
        read_headers(f"Host: x\r\nUser-Agent: made up {number}".encode())
        assert len(remembered) <= 4
    read_headers(b"User-Agent: y")
    assert b"User-Agent: y" in remembered
    read_headers(b"User-Agent: " + b"y" * 500)
    assert max(map(len, remembered)) < 50
