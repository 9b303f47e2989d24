"""Kinds of clients are coarse: brands and versions do not tell them apart, engines and platforms do."""

import pytest

from gateway.bot_checks.client_kind import ENGINES, PLATFORMS, kind_of, kind_of_client

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
ANDROID = "Mozilla/5.0 (Linux; Android 14; K)"
KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "engine", "platform"),
    [
        (f"{WINDOWS} {KHTML} Chrome/141.0 Safari/537.36", "chromium", "windows"),
        (f"{WINDOWS} {KHTML} Chrome/99.0 Safari/537.36 Edg/99.0", "chromium", "windows"),
        (f"{ANDROID} {KHTML} Chrome/141.0 Mobile Safari/537.36", "chromium", "android"),
        (f"Mozilla/5.0 (X11; CrOS x86_64) {KHTML} Chrome/141.0 Safari/537.36", "chromium", "linux"),
        (f"{IPHONE} Version/18.1 Mobile/15E148 Safari/604.1", "webkit", "ios"),
        (f"{IPHONE} CriOS/141.0 Mobile/15E148 Safari/604.1", "webkit", "ios"),
        (f"{IPHONE} FxiOS/141.0 Mobile/15E148 Safari/604.1", "webkit", "ios"),
        (f"{MAC} Version/18.1 Safari/605.1.15", "webkit", "macos"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "gecko", "linux"),
        ("python-requests/2.32", "other", "other"),
        ("", "other", "other"),
    ],
)  # fmt: skip
def test_engine_and_platform_are_told(agent: str, engine: str, platform: str) -> None:
    assert kind_of_client({"User-Agent": agent}) == kind_of(engine, platform)


def test_every_kind_has_a_number_of_its_own() -> None:
    numbers = {kind_of(engine, platform) for engine in ENGINES for platform in PLATFORMS}
    assert len(numbers) == len(ENGINES) * len(PLATFORMS)
    assert max(numbers) < 256
