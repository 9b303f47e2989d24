"""The page that confirms a mailbox, in every state."""

from typing import Any

from gateway.pages.mailbox_view import MailboxPage


def mailbox_page(**changes: Any) -> MailboxPage:
    fields: dict[str, Any] = {
        "sale_id": "demo", "name": "The Long Goodbye", "wait_token": "w1.demo.1.x",
    }  # fmt: skip
    return MailboxPage(**(fields | changes))


def mailbox_pages() -> dict[str, MailboxPage]:
    return {
        "address": mailbox_page(),
        "no_address": mailbox_page(mail_refusal="email"),
        "refused": mailbox_page(refusal="expired"),
        "code": mailbox_page(state="code", asked="x" * 22),
        "code_wrong": mailbox_page(state="code", asked="x" * 22, mail_refusal="wrong"),
    }
