"""Where the mails of a rehearsal go: into files, when no server was named."""

from collections.abc import Mapping
from pathlib import Path


def practice_mail(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the settings by which mail is files to look at: without a server none must be lost."""
    return {
        "MAIL_FOLDER": environ.get("MAIL_FOLDER") or str(folder / "mail"),
        "MAIL_FROM": environ.get("MAIL_FROM") or "Onsale <tickets@onsale.example>",
    }


def mail_words(folder: str) -> str:
    """Say where mail goes, for who has just started everything."""
    return f"{folder}  (files; SMTP_URL sends it)" if folder else "sent by the server of SMTP_URL"
