"""Fans without JavaScript wait ten seconds, and a token counts for one sale and ten minutes."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock

from gateway.bot_checks.wait_token import AGE_MAX_MS, WAIT_MIN_MS, WaitTokens
from groundwork.clock import SystemTokenSource
from groundwork.errors import BotCheckFailed
from groundwork.keys import KeyRing

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def waiting(ring: KeyRing, clock: ManualClock) -> WaitTokens:
    return WaitTokens(ring, clock, SystemTokenSource())


def refusal(waiting: WaitTokens, text: str, sale: str = "demo") -> str:
    with pytest.raises(BotCheckFailed) as caught:
        waiting.check(text, sale)
    return caught.value.reason


def test_it_counts_after_the_wait_and_until_the_end(
    waiting: WaitTokens, clock: ManualClock
) -> None:
    text = waiting.issue("demo")
    issued_at_ms = clock.at_ms
    for age_ms, reason in (
        (-1, "too-early"),
        (0, "too-early"),
        (WAIT_MIN_MS - 1, "too-early"),
        (AGE_MAX_MS + 1, "expired"),
    ):
        clock.at_ms = issued_at_ms + age_ms
        assert refusal(waiting, text) == reason
    for age_ms in (WAIT_MIN_MS, AGE_MAX_MS):
        clock.at_ms = issued_at_ms + age_ms
        assert len(waiting.check(text, "demo")) == 16


def test_each_token_has_a_nonce_of_its_own(waiting: WaitTokens, clock: ManualClock) -> None:
    texts = [waiting.issue("demo") for _ in range(50)]
    clock.at_ms += WAIT_MIN_MS
    assert len({waiting.check(text, "demo") for text in texts}) == 50


def test_another_sale_and_another_installation_are_refused(
    waiting: WaitTokens, clock: ManualClock, tmp_path: Path
) -> None:
    text = waiting.issue("demo")
    stranger = WaitTokens(KeyRing.generate(tmp_path / "o.json"), clock, SystemTokenSource())
    clock.at_ms += WAIT_MIN_MS

    assert refusal(waiting, text, sale="other") == "wrong-sale"
    assert refusal(stranger, text) == "bad-signature"


def test_a_token_for_one_purpose_is_nothing_for_another(
    waiting: WaitTokens, clock: ManualClock
) -> None:
    joining, checking = waiting.issue("demo"), waiting.issue("demo", "step-up")
    clock.at_ms += WAIT_MIN_MS
    assert waiting.check(checking, "demo", purpose="step-up")
    assert refusal(waiting, checking) == "bad-signature"
    with pytest.raises(BotCheckFailed):
        waiting.check(joining, "demo", purpose="step-up")


def test_every_changed_character_is_noticed(waiting: WaitTokens, clock: ManualClock) -> None:
    text = waiting.issue("demo")
    clock.at_ms += WAIT_MIN_MS
    assert waiting.check(text, "demo")
    for at in range(len(text)):
        for other in {"0", "a", "."} - {text[at]}:
            changed = text[:at] + other + text[at + 1 :]
            assert refusal(waiting, changed) in ("malformed", "bad-signature")
    for length in range(len(text)):
        assert refusal(waiting, text[:length]) == "malformed"
    for variant in (f" {text}", f"{text}\n", text.upper(), text.replace(".", ".0", 1)):
        assert refusal(waiting, variant) in ("malformed", "bad-signature")


def test_digits_of_other_scripts_are_no_digits(waiting: WaitTokens, clock: ManualClock) -> None:
    text = waiting.issue("demo").replace(str(clock.at_ms), "١" * 13)
    assert refusal(waiting, text) == "malformed"


@SHARED
@given(text=st.text() | st.from_regex(r"w1\.demo\.\d{13}\.[A-Za-z0-9_-]{16}\.[0-9a-f]{64}"))
def test_garbage_meets_nothing_but_a_refusal(waiting: WaitTokens, text: str) -> None:
    assert refusal(waiting, text) in ("malformed", "bad-signature")
