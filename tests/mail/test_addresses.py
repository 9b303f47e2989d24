"""What counts as an address, and which addresses are one mailbox."""

import pytest

from groundwork.mail_address import read_mail_address


@pytest.mark.parametrize(
    ("text", "address", "mailbox"),
    [
        ("fan@example.org", "fan@example.org", "fan@example.org"),
        ("  Fan@Example.ORG ", "Fan@example.org", "fan@example.org"),
        ("fan+tour@example.org", "fan+tour@example.org", "fan@example.org"),
        ("f.a.n@example.org", "f.a.n@example.org", "f.a.n@example.org"),
        ("F.a.n+x+y@gmail.com", "F.a.n+x+y@gmail.com", "fan@gmail.com"),
        ("fan@GoogleMail.com", "fan@googlemail.com", "fan@gmail.com"),
        ("+tag@example.org", "+tag@example.org", "+tag@example.org"),
        ("fan@müller.example", "fan@xn--mller-kva.example", "fan@xn--mller-kva.example"),
        ("ｆａｎ＠ｅｘａｍｐｌｅ．ｏｒｇ", "fan@example.org", "fan@example.org"),
    ],
)
def test_an_address_and_its_mailbox(text: str, address: str, mailbox: str) -> None:
    read = read_mail_address(text)
    assert read is not None
    assert (str(read), read.mailbox) == (address, mailbox)
    assert "@" not in repr(read)


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "fan", "fan@", "@example.org", "fan@localhost", "fan@[127.0.0.1]", "fan@1.2.3.4",
        "a b@example.org", "fan@exa mple.org", "fan@example.org\r\nBcc: x@y.z", "fän@example.org",
        '"fan"@example.org', "fan.@example.org", "fan@-example.org", "fan@example..org",
        "x" * 65 + "@example.org", "fan@" + "x" * 250 + ".org", "fan@" + "x." * 130 + "org",
        "<fan@example.org>", "fan@example.org,other@example.org", "\ud800@example.org", "f\x00n@example.org",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert read_mail_address(text) is None
