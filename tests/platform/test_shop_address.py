"""Where banks and mails send buyers: what fans type, and never their own machine by mistake."""

import pytest

from booking_core.settings import CoreSettings
from groundwork.settings import SettingsError, read_settings

SECRETS = {
    "PAYMENTS_SECRET_KEY": "sk_live_9fK2mQ7xLw4ZpT",
    "PAYMENTS_WEBHOOK_SECRET": "whsec_8dJ3nR5yKv6B",
    "PAYMENT_PROVIDER_URL": "http://provider:8082",
}


def settings(**environ: str) -> CoreSettings:
    return read_settings(CoreSettings, {**SECRETS, **environ})


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, "http://localhost:8080"),
        ({"SHOP_URL": "", "PUBLIC_URL": ""}, "http://localhost:8080"),
        ({"PUBLIC_URL": "https://fans.example"}, "https://fans.example"),
        (
            {"PUBLIC_URL": "https://fans.example", "SHOP_URL": "https://shop.example"},
            "https://shop.example",
        ),
        ({"PUBLIC_URL": "https://localhost:8443"}, "https://localhost:8443"),
        (
            {"PUBLIC_URL": "https://localhost:8443", "SHOP_URL": "http://127.0.0.1:8080"},
            "http://127.0.0.1:8080",
        ),
        (
            {"PUBLIC_URL": "http://fans.example", "SHOP_URL": "http://localhost:8080"},
            "http://localhost:8080",
        ),
    ],
)
def test_buyers_are_sent_where_fans_come_in(environ: dict[str, str], address: str) -> None:
    assert settings(**environ).shop_url == address


@pytest.mark.parametrize(
    "shop_url", ["http://localhost:8080", "https://127.0.0.1", "http://[::1]:8080"]
)
def test_buyers_of_a_public_shop_are_not_sent_to_their_own_machine(shop_url: str) -> None:
    with pytest.raises(SettingsError, match=r"to their own machine\. Leave it out"):
        settings(PUBLIC_URL="https://fans.example", SHOP_URL=shop_url)


@pytest.mark.parametrize("name", ["SHOP_URL", "PUBLIC_URL"])
def test_an_address_with_a_path_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be http"):
        settings(**{name: "https://fans.example/shop"})


def test_a_public_address_alone_asks_for_secrets_that_nobody_can_guess() -> None:
    with pytest.raises(SettingsError, match="PAYMENTS_SECRET_KEY"):
        settings(PUBLIC_URL="https://fans.example", PAYMENTS_SECRET_KEY="a" * 20)
