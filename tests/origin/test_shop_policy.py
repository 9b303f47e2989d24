"""What is public, what needs a pass and of which sale is a policy's word; a wrong policy is refused."""

from pathlib import Path

import pytest

from gateway.edge.shop_policy import (
    OUR_SHOP,
    PolicyError,
    is_ambiguous,
    read_policy,
    read_policy_file,
)

FOREIGN = """
sale = "posters"
entrance = "/posters?page=1"
adds_security_headers = false
event_paths = ["/gigs/{event}/**"]

[[rules]]
needs = "nothing"
methods = ["GET", "HEAD"]
paths = ["/", "/static/**", "/posters/*", "/media/*.png", "/a+(b)"]

[[rules]]
needs = "nothing"
methods = ["POST"]
paths = ["/bank/*"]
takes_other_sites = true

[[rules]]
needs = "proof"
waits_for_bank = true
paths = ["/pay"]

[[rules]]
paths = ["/tour/**"]
sale = "tour"
"""


@pytest.mark.parametrize(
    ("method", "path", "needs"),
    [
        ("GET", "/", "nothing"),
        ("POST", "/", "pass"),
        ("GET", "/static/", "nothing"),
        ("GET", "/static/a/b/c", "nothing"),
        ("GET", "/static", "pass"),
        ("GET", "/posters/7", "nothing"),
        ("GET", "/posters/7/buy", "pass"),
        ("GET", "/posters/", "pass"),
        ("GET", "/media/x.png", "nothing"),
        ("GET", "/media/x.gif", "pass"),
        ("GET", "/media/y/x.png", "pass"),
        ("GET", "/a+(b)", "nothing"),
        ("GET", "/aab", "pass"),
        ("POST", "/pay", "proof"),
        ("GET", "/anything", "pass"),
        ("GET", "/PAY", "pass"),
        ("GET", "", "pass"),
    ],
)
def test_the_first_rule_that_fits_decides(method: str, path: str, needs: str) -> None:
    assert read_policy(FOREIGN).demand(method, path).needs == needs


def test_a_rule_is_found_anew_for_every_path_however_long_and_however_often_it_is_asked_for() -> (
    None
):
    policy = read_policy(FOREIGN)
    for path in ("/static/a", f"/static/{'a' * 200}"):
        for _ in range(2):
            assert policy.demand("GET", path).needs == "nothing"
            assert policy.demand("POST", path).needs == "pass"
            assert policy.demand("GET", path.replace("static", "else")).needs == "pass"


def test_the_sale_is_the_rules_or_the_shops() -> None:
    policy = read_policy(FOREIGN)
    assert policy.demand("GET", "/tour/seats").sale_id == "tour"
    assert policy.demand("GET", "/pay").sale_id == "posters"
    assert policy.demand("GET", "/elsewhere").sale_id == "posters"
    assert OUR_SHOP.demand("GET", "/elsewhere").sale_id is None


def test_other_sites_send_only_what_a_rule_takes() -> None:
    policy = read_policy(FOREIGN)
    assert policy.takes_other_sites("POST", "/bank/back")
    for method, path in (("PUT", "/bank/back"), ("POST", "/pay"), ("POST", "/elsewhere")):
        assert not policy.takes_other_sites(method, path)


def test_what_waits_for_a_bank_is_said_by_its_rule() -> None:
    policy = read_policy(FOREIGN)
    assert policy.demand("POST", "/pay").waits_for_bank
    assert not policy.demand("POST", "/elsewhere").waits_for_bank
    for path in ("/api/bookings/complete", "/checkout/e.1/pay"):
        assert OUR_SHOP.demand("POST", path).waits_for_bank


def test_the_shop_says_where_fans_go_in() -> None:
    assert read_policy(FOREIGN).entrance == "/posters?page=1"
    assert OUR_SHOP.entrance is None


def test_an_event_is_read_from_the_path() -> None:
    policy = read_policy(FOREIGN)
    assert policy.event_in("/gigs/arena-1/seats") == "arena-1"
    assert policy.event_in("/gigs/Arena/seats") is None
    assert policy.event_in("/posters/7") is None
    for path in ("/events/arena", "/events/arena/x", "/api/events/arena/seats", "/checkout/arena.x",
                 "/checkout/arena.x/pay", "/api/bookings/arena.xyz/extend"):  # fmt: skip
        assert OUR_SHOP.event_in(path) == "arena", path
    for path in ("/events", "/api/bookings/complete", "/checkout/arena", "/events/" + "a" * 64):
        assert OUR_SHOP.event_in(path) is None, path


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense", "Expected '='"),
        ("[[rules]]\nneeds = 'nothing'", "paths"),
        ("[[rules]]\npaths = []", "length"),
        ("[[rules]]\npaths = ['/a']\nneeds = 'love'", "needs"),
        ("[[rules]]\npaths = ['/a']\nmethods = ['get']", "methods"),
        ("[[rules]]\npaths = ['/a']\nfor = 'all'", "unknown field"),
        ("[[rules]]\npaths = ['a']", "must begin with /"),
        ("[[rules]]\npaths = ['/a/**/b']", "no segment"),
        ("[[rules]]\npaths = ['/a*b*c']", "no segment"),
        ("[[rules]]\npaths = ['/a[bc]']", "no segment"),
        ("[[rules]]\npaths = ['/{evnt}']", "no segment"),
        ("sale = 'No Name'", "sale"),
        ("entrance = 'basket/'", "entrance"),
        ("entrance = '//elsewhere.example/'", "entrance"),
        ("entrance = '/\\elsewhere.example/'", "entrance"),
        ("[[rules]]\npaths = ['/" + "a" * 200 + "']", "200 characters"),
    ],
)
def test_what_is_no_policy_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(PolicyError, match=why):
        read_policy(text)


def test_a_file_is_named_in_its_refusal(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"nowhere\.toml"):
        read_policy_file(tmp_path / "nowhere.toml")
    (tmp_path / "bad.toml").write_text("sale = 7")
    with pytest.raises(PolicyError, match=r"bad\.toml"):
        read_policy_file(tmp_path / "bad.toml")
    (tmp_path / "good.toml").write_text(FOREIGN)
    assert read_policy_file(tmp_path / "good.toml").demand("GET", "/").needs == "nothing"


@pytest.mark.parametrize(
    "raw",
    ["/static/..%2fcheckout", "/static/%2e%2e/checkout", "/static/../checkout", "//checkout",
     "/static/..;/checkout", "/a/.", "/a%5cb", "/a\\b", "/static/%2E%2E%2Fcheckout", "/./a"],
)  # fmt: skip
def test_a_path_that_can_be_read_otherwise_is_seen(raw: str) -> None:
    from yarl import URL

    url = URL.build(path=raw, encoded=True)
    assert is_ambiguous(url.path, url.raw_path)


@pytest.mark.parametrize("raw", ["/", "/a/b.c", "/a..b/", "/%C3%BC", "/a;x=1", "/...", "/a/%20"])
def test_a_plain_path_is_left_alone(raw: str) -> None:
    from yarl import URL

    url = URL.build(path=raw, encoded=True)
    assert not is_ambiguous(url.path, url.raw_path)


def test_a_long_path_is_looked_at_quickly() -> None:
    policy = read_policy("[[rules]]\npaths = ['/a*b', '/*/*/*/x']")
    assert policy.demand("GET", "/" + "a" * 500_000).needs == "pass"
    assert policy.demand("GET", "/" + "a/" * 250_000).needs == "pass"
