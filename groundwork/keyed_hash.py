"""Keyed BLAKE2s (RFC 7693): what only we can make of a text, where nobody else has to check it."""

import hashlib


def keyed_hash(secret: bytes, text: bytes, size: int) -> bytes:
    """Return so many bytes, 32 at most, that cannot be told or guessed without the secret of 32 at most.

    In a rush each fan has several made. HMAC by OpenSSL, which others can check, takes three times as
    long for a short text: it looks for its algorithm at each call.
    """
    return hashlib.blake2s(text, key=secret, digest_size=size).digest()
