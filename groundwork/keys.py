"""The secrets of one installation in one small file: signing keys, and one root for all others."""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.bindings import crypto_sign, crypto_sign_BYTES, crypto_sign_seed_keypair

from groundwork.base64url import base64url

FILE_VERSION: Final = 1
SECRET_BYTES: Final = 32  # as long as the SHA-256 it feeds; an Ed25519 seed has this length too
# 32 random bytes hold about 30 different values, and fewer than 16 practically never: such a
# secret was typed by a person or copied from an example.
DIFFERENT_BYTES_MIN: Final = 16
# Ticket codes are checked for as long as their event lies ahead, so old keys are kept for long: a
# rotation every three months fits four years. More are refused, never dropped without asking.
SIGNING_KEYS_MAX: Final = 16
FILE_BYTES_MAX: Final = 64 * 1024  # sixteen keys take 2 KiB; more is some other file
# 96 bits of the key's RFC 7638 thumbprint: nobody meets two by chance, and it rides in every token.
KID_CHARACTERS: Final = 16
OTHERS_MAY_NOT: Final = stat.S_IRWXG | stat.S_IRWXO

PrivateText = Annotated[str, msgspec.Meta(min_length=43, max_length=43)]  # 32 bytes in base64url


class KeyRingError(Exception):
    """The key file is missing, open to others, weak or damaged. The text says what to do."""


class _SigningKeyRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kid: str
    private_key: PrivateText


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    root_secret: PrivateText
    active: str
    next: str
    signing_keys: Annotated[
        list[_SigningKeyRow], msgspec.Meta(min_length=2, max_length=SIGNING_KEYS_MAX)
    ]


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs, and its name: taken together, for another thread may take up a rotation meanwhile."""

    kid: str
    _secret_key: bytes = field(repr=False)

    def sign(self, content: bytes) -> bytes:
        """Return the 64 bytes of the key's Ed25519 signature (RFC 8032) of the content."""
        return crypto_sign(content, self._secret_key)[:crypto_sign_BYTES]


class KeyRing:
    """The installation's keys: one signs, the next is published already, earlier ones still verify.

    Publishing the next key before it signs means that a rotation is noticed by nobody: every
    process and every outside verifier that looked since the last rotation knows the key already.
    """

    def __init__(self, file: _File, path: Path) -> None:
        self._path = path
        self._use(file)
        self.generation = 0  # grows with every change, for those who keep what a key once verified

    @classmethod
    def generate(cls, path: Path) -> Self:
        """Make a new ring and its file (mode 0600), whole or not at all.

        Errors: KeyRingError when there is a file already: it is never overwritten.
        """
        rows = [_new_row(), _new_row()]
        file = _File(
            version=FILE_VERSION,
            root_secret=base64url(secrets.token_bytes(SECRET_BYTES)),
            active=rows[0].kid,
            next=rows[1].kid,
            signing_keys=rows,
        )
        try:
            with _written_beside(path, file) as written:
                os.link(written, path)  # fails where a rename would overwrite
        except FileExistsError as error:
            raise KeyRingError(f"{path} exists already; a key file is never overwritten") from error
        return cls(file, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the ring from its file.

        Errors: KeyRingError when it is missing, readable by others, weak or damaged.
        """
        return cls(_read_file(path), path)

    def rotate(self, path: Path | None = None) -> str:
        """Let the published next key sign from now on, publish a new next one; return the kid.

        What earlier keys signed stays valid. Other processes follow with `refresh`; until then they
        sign with the previous key, which is just as good.
        """
        path = path or self._path
        with _locked(path):
            file = _read_file(path)
            if len(file.signing_keys) == SIGNING_KEYS_MAX:
                raise KeyRingError(
                    f"{path} holds {SIGNING_KEYS_MAX} signing keys; retire the oldest first"
                )
            row = _new_row()
            self._replace(
                path,
                msgspec.structs.replace(
                    file, active=file.next, next=row.kid, signing_keys=[*file.signing_keys, row]
                ),
            )
        return self.active_kid

    def retire(self, kid: str, path: Path | None = None) -> None:
        """Forget a previous key: from now on nothing that it signed is valid.

        Errors: KeyRingError for a kid not in the file, and for the active and the next key.
        """
        path = path or self._path
        with _locked(path):
            file = _read_file(path)
            if kid in (file.active, file.next):
                raise KeyRingError(f"{kid} is in use; rotate until it is a previous key")
            rows = [row for row in file.signing_keys if row.kid != kid]
            if len(rows) == len(file.signing_keys):
                raise KeyRingError(f"{path} has no signing key {kid}")
            self._replace(path, msgspec.structs.replace(file, signing_keys=rows))

    def refresh(self) -> bool:
        """Take up what another process changed in the file; say whether anything was new.

        Reads a small file, so the event loop calls it in a thread, every ten seconds or so.
        """
        file = _read_file(self._path)
        if file == self._file:
            return False
        self._use(file)
        self.generation += 1
        return True

    @property
    def active_kid(self) -> str:
        """The kid of the key that signs."""
        return self._file.active

    @property
    def signer(self) -> Signer:
        """The active key, to sign with."""
        return self._signer

    def public_key(self, kid: str) -> Ed25519PublicKey | None:
        """Return the key to verify with, or None for a kid that is not ours (any more)."""
        return self._public_keys.get(kid)

    def secret(self, name: bytes) -> bytes:
        """Return the 32-byte secret of that name: one in all processes, after rotations too."""
        if name not in self._secrets:
            info = b"onsale/" + name
            self._secrets[name] = HKDF(SHA256(), SECRET_BYTES, salt=None, info=info).derive(
                self._root
            )
        return self._secrets[name]

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public half as a JSON Web Key Set (RFC 7517), the active key first."""
        kids = sorted(self._public_keys, key=lambda kid: kid != self._file.active)
        return {"keys": [_public_jwk(kid, self._public_keys[kid]) for kid in kids]}

    def _replace(self, path: Path, file: _File) -> None:
        with _written_beside(path, file) as written:
            written.replace(path)
        self._use(file)
        self.generation += 1

    def _use(self, file: _File) -> None:
        self._file = file
        self._root = _from_text(file.root_secret)
        self._secrets: dict[bytes, bytes] = {}
        seeds = {row.kid: _from_text(row.private_key) for row in file.signing_keys}
        self._public_keys = {
            kid: Ed25519PrivateKey.from_private_bytes(seed).public_key()
            for kid, seed in seeds.items()
        }
        _, secret_key = crypto_sign_seed_keypair(seeds[file.active])
        self._signer = Signer(file.active, secret_key)

    def __repr__(self) -> str:
        return f"KeyRing({str(self._path)!r}, active_kid={self.active_kid!r})"  # no secrets in logs


def _read_file(path: Path) -> _File:
    try:
        with path.open("rb") as opened:
            status = os.fstat(opened.fileno())  # of what we read, not of what the name means later
            content = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise KeyRingError(f"{path} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise KeyRingError(f"{path} is not a regular file")
    if status.st_mode & OTHERS_MAY_NOT:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyRingError(f"{path} is open to others (mode {mode:04o}): run chmod 600 {path}")
    if len(content) > FILE_BYTES_MAX:
        raise KeyRingError(f"{path} is too large to be a key file")
    try:
        file = msgspec.json.decode(content, type=_File)
        _check(file)
    except (msgspec.MsgspecError, ValueError) as error:
        raise KeyRingError(f"{path} is not a usable key file: {error}") from error
    return file


def _check(file: _File) -> None:
    """Raise ValueError for fields that contradict each other, and for secrets nobody drew."""
    if file.version != FILE_VERSION:
        raise ValueError(f"version {file.version} is not {FILE_VERSION}")
    rows = file.signing_keys
    for text in (file.root_secret, *(row.private_key for row in rows)):
        if len(set(_from_text(text))) < DIFFERENT_BYTES_MIN:
            raise ValueError("a secret in it is weak; generate the file, do not write it by hand")
    kids = [row.kid for row in rows]
    if len(set(kids)) < len(kids):
        raise ValueError("a kid occurs twice")
    if file.active == file.next or not {file.active, file.next} <= set(kids):
        raise ValueError("active and next must name two of its signing keys")
    for row in rows:
        if row.kid != _kid_of(Ed25519PrivateKey.from_private_bytes(_from_text(row.private_key))):
            raise ValueError(f"kid {row.kid} does not belong to its private key")


@contextlib.contextmanager
def _written_beside(path: Path, file: _File) -> Iterator[Path]:
    """Write the content to a file of its own in the same folder, for the caller to put in place."""
    written = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        yield written
        _sync_folder(path.parent)
    finally:
        written.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time change the file: two rotations at once would lose a key."""
    descriptor = os.open(path.parent, os.O_RDONLY)  # the file itself is replaced, its folder stays
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _new_row() -> _SigningKeyRow:
    key = Ed25519PrivateKey.generate()
    return _SigningKeyRow(_kid_of(key), base64url(key.private_bytes_raw()))


def _kid_of(key: Ed25519PrivateKey) -> str:
    members = {"crv": "Ed25519", "kty": "OKP", "x": base64url(key.public_key().public_bytes_raw())}
    canonical = json.dumps(members, separators=(",", ":"))  # RFC 7638: these members, in this order
    return base64url(hashlib.sha256(canonical.encode()).digest())[:KID_CHARACTERS]


def _public_jwk(kid: str, key: Ed25519PublicKey) -> dict[str, Any]:
    x = base64url(key.public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x}


def _from_text(text: str) -> bytes:
    content = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    if len(content) != SECRET_BYTES:
        raise ValueError(f"a secret in it has {len(content)} bytes, not {SECRET_BYTES}")
    return content
