"""Effects of ours that a process may not survive: it dies just before or just after the one that is armed.

Our code has no hook for that: its effects are wrapped from outside (see mortal.py).
"""

import functools
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from booking_core.checkout.checkout import Checkout
from booking_core.checkout.practice_payments import PracticePayments
from booking_core.ledger.orders import Orders
from booking_core.ledger.outbox import Outbox
from booking_core.ledger.reconciler import Reconciler
from booking_core.seats.holds import SeatHolds
from lua.epochs import Epochs

# Names the file that arms an effect.
ARMED_VARIABLE = "ONSALE_PROVE_ARMED"

# Everything a checkout, an outbox, a reconciler and a recovery do to somebody else.
EFFECTS: Mapping[type, tuple[str, ...]] = {
    Orders: (
        "claim", "note_payment", "note_next_action", "begin_authorizing", "begin_expiring", "sell",
        "sell_late", "release", "carry", "take_unattended", "put_down", "note_answer", "note_captured",
    ),
    PracticePayments: ("create", "confirm", "get", "cancel", "capture"),
    SeatHolds: ("hold", "release", "keep_for_payment", "end_payment", "settle"),
    Checkout: ("run",),
    Outbox: ("_take", "_tell"),
    Reconciler: ("_apply",),
    Epochs: ("_renew", "_load_scripts", "_fill"),
}  # fmt: skip
MOMENTS = ("before", "after")


def effect_names() -> list[str]:
    """Return every moment to die at, as it is written into the armed file."""
    return [
        f"{moment} {kind.__name__}.{name}"
        for kind, names in EFFECTS.items()
        for name in names
        for moment in MOMENTS
    ]


def die_if_armed(armed: Path, moment: str) -> None:
    """Die at once, as by a power cut, if the file names this moment; only one process dies of it."""
    try:
        if armed.read_text("ascii") != moment:
            return
        armed.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def make_mortal(kind: type, name: str, armed: Path) -> None:
    """Put the two moments around one effect."""
    whole: Callable[..., Awaitable[Any]] = getattr(kind, name)
    label = f"{kind.__name__}.{name}"

    @functools.wraps(whole)
    async def mortal(*args: Any, **kwargs: Any) -> Any:
        die_if_armed(armed, f"before {label}")
        result = await whole(*args, **kwargs)
        die_if_armed(armed, f"after {label}")
        return result

    setattr(kind, name, mortal)


def make_all_mortal(armed: Path) -> None:
    """Put them around every effect there is."""
    for kind, names in EFFECTS.items():
        for name in names:
            make_mortal(kind, name, armed)
