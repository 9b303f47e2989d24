"""The page of a move in every state."""

from datetime import UTC, datetime
from typing import Any, get_args

from gateway.pages.move_view import MovePage, Reason
from gateway.pages.qr import link_qr

LINK = "http://localhost:8080/sales/demo/move?link=" + "eyJhbGciOiJFZERTQSJ9." + "x" * 240


def move_page(**changes: Any) -> MovePage:
    fields: dict[str, Any] = {
        "sale_id": "demo",
        "name": "The Long Goodbye",
        "expires_at": datetime(2026, 11, 24, 19, 10, tzinfo=UTC),
    }
    return MovePage(**(fields | changes))


def move_pages() -> dict[str, MovePage]:
    claim: dict[str, Any] = {"state": "claim", "link": "l", "claim_id": "c"}
    return {
        "link": move_page(state="link", url=LINK, qr=link_qr(LINK)),
        "claim": move_page(**claim, place=12_408),
        "claim_entry": move_page(**claim, entry_number=2_417, has_own=True),
        **{f"refused_{why}": move_page(state="refused", reason=why) for why in get_args(Reason)},
    }
