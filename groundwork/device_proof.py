"""Proof that the caller has the device key: DPoP (RFC 9449) with the keys browsers make."""

import base64
import hashlib
import re
from typing import Annotated, Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from groundwork.base64url import base64url
from groundwork.clock import Clock
from groundwork.errors import DeviceProofInvalid

ALGORITHM: Final = "ES256"  # what WebCrypto makes without exporting, in every browser
TYPE: Final = "dpop+jwt"
# A browser's proof has 500 to 700 characters; the rest is room for long addresses.
PROOF_CHARACTERS_MAX: Final = 2048
# How far a proof's `iat` may lie from our clock, both ways. One phone in some hundreds is further
# off than this, but widening helps every thief of a proof, too, and is not needed: the waiting page
# reads our time from the status board (`at_ms`) or the Date header and counts from there, so only
# the length of a request and a suspended tab have to fit.
SKEW_MAX_MS: Final = 300_000
# A replayed proof stays inside the window for its whole width, so a jti is remembered that long.
REPLAY_WINDOW_MS: Final = 2 * SKEW_MAX_MS
COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}", re.ASCII)
COORDINATE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # 32 bytes; shorter ones are padded
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}

_JWS: Final = PyJWS(algorithms=[ALGORITHM])


class DeviceProof(msgspec.Struct, frozen=True):
    """A proof that held: whose key it was, and what the caller needs to refuse a replay."""

    jkt: str
    jti: str
    iat_ms: int

    @property
    def replay_key(self) -> str:
        """The name (22 URL-safe characters) to remember the proof by, for REPLAY_WINDOW_MS."""
        digest = hashlib.sha256(f"{self.jkt}.{self.jti}".encode()).digest()
        return base64url(digest[:16])


class _Header(msgspec.Struct, frozen=True):
    typ: str
    alg: str
    jwk: dict[str, Any]
    crit: Any = None


class _Claims(msgspec.Struct, frozen=True):
    htm: str
    htu: str
    iat: int | float
    # Fewer characters than 96 random bits make could repeat by chance; UUIDs have 36.
    jti: Annotated[str, msgspec.Meta(min_length=16, max_length=128)]


_HEADER: Final = msgspec.json.Decoder(_Header)
_CLAIMS: Final = msgspec.json.Decoder(_Claims)


class DeviceProofs:
    """Checks DPoP headers against our clock and the address the fans use."""

    def __init__(self, clock: Clock, public_url: str | None = None) -> None:
        self._clock = clock
        self._public = urlsplit(public_url) if public_url else None

    def verify(
        self, header_text: str, method: str, url_path: str, host: str, scheme: str
    ) -> DeviceProof:
        """Return the proof if it is one for this request.

        With a configured public address host and scheme are those of that address, not the
        request's: behind a proxy the request's own are the proxy's word. url_path is the path as
        received, still percent-encoded, without query. Whether the proof came before is the
        caller's question: see replay_key. `ath` and `nonce` are not used.

        Errors: DeviceProofInvalid, reason: malformed, wrong-type, wrong-algorithm, wrong-key,
        bad-signature, wrong-method, wrong-url, stale.
        """
        if len(header_text) > PROOF_CHARACTERS_MAX or not COMPACT.fullmatch(header_text):
            raise DeviceProofInvalid("malformed")
        key, jkt = _read_key(_read_header(header_text))
        try:
            claims = _CLAIMS.decode(_JWS.decode(header_text, key, algorithms=[ALGORITHM]))
        except PyJWTError as error:
            raise DeviceProofInvalid("bad-signature") from error
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise DeviceProofInvalid("malformed") from error
        if claims.htm != method:
            raise DeviceProofInvalid("wrong-method")
        if not self._is_for(claims.htu, url_path, host, scheme):
            raise DeviceProofInvalid("wrong-url")
        if not abs(claims.iat * 1000 - self._clock.now_ms()) <= SKEW_MAX_MS:
            raise DeviceProofInvalid("stale")
        return DeviceProof(jkt, claims.jti, int(claims.iat * 1000))

    def _is_for(self, htu: str, url_path: str, host: str, scheme: str) -> bool:
        try:
            claimed = urlsplit(htu)
            own = self._public or urlsplit(f"{scheme}://{host}")
            wanted_path = own.path.rstrip("/") + url_path
            return _origin(claimed) == _origin(own) and (claimed.path or "/") == wanted_path
        except ValueError:
            return False


def _read_header(text: str) -> _Header:
    segment = text.partition(".")[0]
    try:
        header = _HEADER.decode(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DeviceProofInvalid("malformed") from error
    if header.typ != TYPE:
        raise DeviceProofInvalid("wrong-type")
    if header.alg != ALGORITHM:
        raise DeviceProofInvalid("wrong-algorithm")
    if header.crit is not None:
        raise DeviceProofInvalid("malformed")
    return header


def _read_key(header: _Header) -> tuple[EllipticCurvePublicKey, str]:
    """Return the public key of the proof and its RFC 7638 thumbprint."""
    jwk = header.jwk
    x, y = jwk.get("x"), jwk.get("y")
    if PRIVATE_MEMBERS & jwk.keys() or jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise DeviceProofInvalid("wrong-key")
    if not (isinstance(x, str) and isinstance(y, str)):
        raise DeviceProofInvalid("wrong-key")
    if not (COORDINATE.fullmatch(x) and COORDINATE.fullmatch(y)):
        raise DeviceProofInvalid("wrong-key")
    x_bytes, y_bytes = _from_text(x), _from_text(y)
    if base64url(x_bytes) != x or base64url(y_bytes) != y:  # one key must have one thumbprint
        raise DeviceProofInvalid("wrong-key")
    numbers = EllipticCurvePublicNumbers(
        int.from_bytes(x_bytes), int.from_bytes(y_bytes), SECP256R1()
    )
    try:
        key = numbers.public_key()
    except ValueError as error:  # not a point of the curve
        raise DeviceProofInvalid("wrong-key") from error
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
    return key, base64url(hashlib.sha256(canonical.encode()).digest())


def _origin(url: SplitResult) -> tuple[str, str]:
    """Return scheme and host in the one spelling that compares (RFC 9110 §4.2.3)."""
    scheme = url.scheme.lower()
    return scheme, url.netloc.lower().removesuffix(DEFAULT_PORTS.get(scheme, ":"))


def _from_text(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=")
