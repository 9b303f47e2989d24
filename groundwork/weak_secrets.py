"""Secrets that somebody typed, or copied from a page that everybody can read."""

from typing import Final

# A made secret of 16 characters has this many different ones all but surely (of 16 hexadecimal digits,
# one in two million has fewer); what is typed with one finger has fewer.
DIFFERENT_CHARACTERS_MIN: Final = 5
# What examples and documentation have in the place of a secret, ours among them, and what people type.
NO_SECRETS: Final = (
    "change-me", "changeme", "change_me", "password", "passw0rd", "example", "your-secret", "your_secret",
    "secretkey", "secret-key", "secret_key", "placeholder", "1234567", "qwerty", "letmein", "insecure",
)  # fmt: skip
# Keys printed in a provider's documentation.
PUBLISHED: Final = frozenset({"sk_test_4eC39HqLyjWDarjtT1zdp7dc", "whsec_test_secret"})


def weakness(secret: str) -> str:
    """Return why a secret is none, without showing it; "" for one that may be one."""
    if secret in PUBLISHED:
        return "is printed in public documentation"
    if any(word in secret.lower() for word in NO_SECRETS):
        return "is a placeholder or a word that people guess"
    if len(set(secret)) < DIFFERENT_CHARACTERS_MIN:
        return f"has fewer than {DIFFERENT_CHARACTERS_MIN} different characters"
    return ""
