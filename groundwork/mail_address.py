"""E-mail addresses as people type them: read, bounded, and told apart by the mailbox they reach."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

# RFC 5321 allows no longer address, and no longer part before the @.
ADDRESS_CHARACTERS_MAX: Final = 254
LOCAL_CHARACTERS_MAX: Final = 64
# RFC 5322's dot-atom: what people have. Quoted names and numbers in brackets are nobody's mailbox.
LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
DOMAIN: Final = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
# Google gives one mailbox for every way to put dots into its name, and under both its domains.
GOOGLE: Final = frozenset({"gmail.com", "googlemail.com"})


@dataclass(frozen=True, slots=True)
class MailAddress:
    """An address in the form in which mail servers take it; `mailbox` is what it is compared by."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    def __repr__(self) -> str:
        return "MailAddress(…)"  # nobody's address in a log

    @property
    def mailbox(self) -> str:
        """Return one text for all addresses that reach one mailbox, as far as anybody can tell.

        Small letters, without what follows a plus (RFC 5233), and at Google without dots. It is only
        compared: mail goes to the address itself.
        """
        name = self.local.lower()
        name = name.partition("+")[0] or name
        if self.domain in GOOGLE:
            return f"{name.replace('.', '')}@gmail.com"
        return f"{name}@{self.domain}"


def read_mail_address(text: str) -> MailAddress | None:
    """Return what a person typed as an address, None for what no mail server would take.

    A domain in other letters is written as DNS knows it (IDNA).
    """
    if len(text) > 4 * ADDRESS_CHARACTERS_MAX:
        return None
    local, _, domain = unicodedata.normalize("NFKC", text).strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    is_short = (
        len(local) <= LOCAL_CHARACTERS_MAX and len(local) + len(domain) < ADDRESS_CHARACTERS_MAX
    )
    if not is_short or not LOCAL.fullmatch(local) or not DOMAIN.fullmatch(domain):
        return None
    return MailAddress(local, domain)
