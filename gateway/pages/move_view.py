"""What the page is given on which a place moves to another device (template move.html)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from gateway.pages.views import BrandView

# "link": the old device shows the way; "claim": the new one takes the place; "refused": why not.
State = Literal["link", "claim", "refused"]
Reason = Literal[
    "expired",
    "invalid",
    "taken",  # another device has used the link
    "own-device",  # it is the device that the link comes from, or one that the place has left
    "inside",  # the place's fan is inside, or about to enter
    "mailbox",  # in this sale a mailbox has the place, on every device
    "used",  # the place's fan was inside
]

OUR_LOOKS: Final = BrandView()


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePage:
    """The page of a move, for one device.

    With a link: `url` is its address and `qr` the same as a picture, `expires_at` its end. To claim
    it: its token `link`, and `claim_id`, a secret of this page that makes its form safe to repeat;
    the `place` or `entry_number` that moves; `has_own` when this device would give up another.
    `event_id` is the event the fan came for, "" for none.
    """

    sale_id: str
    name: str
    state: State
    url: str = ""
    qr: str = ""
    expires_at: datetime | None = None
    link: str = ""
    claim_id: str = ""
    place: int | None = None
    entry_number: int | None = None
    has_own: bool = False
    reason: Reason = "invalid"
    event_id: str = ""
    now_ms: int = 0
    brand: BrandView = OUR_LOOKS
