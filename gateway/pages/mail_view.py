"""What the templates of mails are given."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMail:
    """A code (template mail_code.txt): what it is for, and for how many minutes it is good."""

    name: str
    code: str
    minutes: int
