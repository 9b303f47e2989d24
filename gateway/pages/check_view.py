"""What the page of the check before going in is given (template check.html)."""

from dataclasses import dataclass
from typing import Final

from gateway.pages.views import BrandView


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptchaView:
    """Somebody else's widget: whose, and what its script looks for."""

    name: str
    script_url: str
    css_class: str
    field: str
    site_key: str
    bound_to: str


OUR_LOOKS: Final = BrandView()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPage:
    """The check of one fan.

    `reasons` are the codes of what was noted, the heaviest first, and `reference` is what the
    organiser needs to look them up. `wait_token` is for browsers without JavaScript, good after
    `wait_seconds`. `refusal` is the reason why an answer did not count, "" for none. `is_limited` after too
    many answers. `has_mail`: a code can be sent; `is_code_sent` shows the field for it,
    `mail_refusal` why that did not do. `event_id` is the event the fan came for, "" for none.
    """

    sale_id: str
    name: str
    reasons: tuple[str, ...]
    reference: str
    wait_token: str = ""
    wait_seconds: int = 60
    refusal: str = ""
    is_limited: bool = False
    has_mail: bool = False
    is_code_sent: bool = False
    mail_refusal: str = ""
    captcha: CaptchaView | None = None
    event_id: str = ""
    now_ms: int = 0
    brand: BrandView = OUR_LOOKS
