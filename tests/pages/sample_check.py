"""The page of the check before going in, in every state."""

from typing import Any

from gateway.bot_checks.signals import SIGNALS, against
from gateway.pages.check_view import CaptchaView, CheckPage

# Its script is not there: a widget needs the network, the page does not.
CAPTCHA = CaptchaView(
    name="hCaptcha", script_url="/static/room/check_page.js", css_class="h-captcha",
    field="h-captcha-response", site_key="10000000-ffff-ffff-ffff-000000000001", bound_to="x" * 32,
)  # fmt: skip


def check_page(**changes: Any) -> CheckPage:
    fields: dict[str, Any] = {
        "sale_id": "demo",
        "name": "The Long Goodbye",
        "reasons": ("hidden-field", "data-centre"),
        "reference": "f_Jq0Yw3o5Qe6mJx2kq1nU1g",
        "wait_token": "w1.demo.1.x",
    }
    return CheckPage(**(fields | changes))


def check_pages() -> dict[str, CheckPage]:
    return {
        "asked": check_page(),
        "asked_for_everything": check_page(reasons=against(SIGNALS)),
        "with_captcha": check_page(captcha=CAPTCHA),
        "with_mail": check_page(has_mail=True),
        "code_sent": check_page(has_mail=True, is_code_sent=True),
        "code_wrong": check_page(has_mail=True, is_code_sent=True, mail_refusal="wrong"),
        "too_early": check_page(refusal="too-early"),
        "limited": check_page(captcha=CAPTCHA, is_limited=True),
        "refused": check_page(refusal="wrong-solution"),
    }
