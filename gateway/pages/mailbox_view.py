"""What the page is given on which a fan confirms their mailbox (template mailbox.html)."""

from dataclasses import dataclass
from typing import Final, Literal

from gateway.pages.views import BrandView

OUR_LOOKS: Final = BrandView()


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxPage:
    """Asks for the address, or for the code that was sent there.

    `asked` names the asking, and comes back with the code. `wait_token` is for browsers without
    JavaScript, good after ten seconds. `mail_refusal` is why an address or a code did not do, `refusal`
    why the work did not; "" for none. `event_id` is the event the fan came for, "" for none.
    """

    sale_id: str
    name: str
    state: Literal["address", "code"] = "address"
    asked: str = ""
    wait_token: str = ""
    mail_refusal: str = ""
    refusal: str = ""
    event_id: str = ""
    now_ms: int = 0
    brand: BrandView = OUR_LOOKS
