"""What everybody knows, or can guess, is no secret: it stops the start where fans come over https."""

import secrets

import pytest

from booking_core.settings import CoreSettings
from groundwork.settings import SettingsError, read_settings
from groundwork.weak_secrets import weakness
from onsale.settings import Settings

STRONG = {
    "PAYMENTS_SECRET_KEY": "sk_live_9fK2mQ7xLw4ZpT",
    "PAYMENTS_WEBHOOK_SECRET": "whsec_8dJ3nR5yKv6B",
}
PROVIDER = {"PAYMENT_PROVIDER_URL": "http://provider:8082"}
WEAK = [
    "aaaaaaaaaaaaaaaaaaaa", "change-me-change-me", "CHANGEME-00-11-22-33", "my-very-own-password-1",
    "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "example-secret-of-docs", "12345678901234567890",
]  # fmt: skip


@pytest.mark.parametrize("name", ["PAYMENTS_SECRET_KEY", "PAYMENTS_WEBHOOK_SECRET"])
@pytest.mark.parametrize("secret", WEAK)
def test_a_weak_secret_stops_the_start_in_production(name: str, secret: str) -> None:
    environ = {**PROVIDER, **STRONG, name: secret, "SHOP_URL": "https://fans.example"}
    with pytest.raises(SettingsError, match=f"{name} (is|has)") as refusal:
        read_settings(CoreSettings, environ)
    assert secret not in str(refusal.value), "and it is not shown"


def test_made_secrets_start_and_a_rehearsal_may_use_what_it_likes() -> None:
    environ = {**PROVIDER, **STRONG, "SHOP_URL": "https://fans.example"}
    assert read_settings(CoreSettings, environ)
    weak = {**PROVIDER, **STRONG, "PAYMENTS_SECRET_KEY": WEAK[0]}
    assert read_settings(CoreSettings, {**weak, "SHOP_URL": "http://localhost:8080"})


def test_no_made_secret_is_called_weak() -> None:
    for _ in range(2_000):
        for made in (secrets.token_hex(16), secrets.token_urlsafe(12)):
            assert weakness(made) == "", made


@pytest.mark.parametrize("name", ["REDIS_URL", "DATABASE_URL"])
def test_the_password_of_our_example_stops_every_start(name: str) -> None:
    environ = {
        "REDIS_URL": "redis://onsale:good@redis:6379",
        "DATABASE_URL": "postgresql://onsale:good@db/onsale",
        "KEYS_FILE": "keys.json",
    }
    assert read_settings(Settings, environ)
    environ[name] = environ[name].replace("good", "CHANGE-ME")
    with pytest.raises(SettingsError, match=f"{name} has the password of an example"):
        read_settings(Settings, environ)
