"""The mails as their templates are given them, and the words that must be in each."""

from typing import Any

from gateway.pages.mail_view import CodeMail


def code_mails() -> dict[str, tuple[Any, tuple[str, ...]]]:
    view = CodeMail(name="Salt & Stone", code="0123 4567", minutes=10)
    return {"code": (view, ("0123 4567", "Salt & Stone", "10"))}


ALL_MAILS: dict[str, dict[str, tuple[Any, tuple[str, ...]]]] = {"mail_code.txt": code_mails()}
