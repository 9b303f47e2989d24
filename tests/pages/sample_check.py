"""The page of the check before going in, in every state."""

from typing import Any

from gateway.bot_checks.signals import SIGNALS, against
from gateway.pages.check_view import CheckPage


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
        "too_early": check_page(refusal="too-early"),
        "refused": check_page(refusal="wrong-solution"),
    }
