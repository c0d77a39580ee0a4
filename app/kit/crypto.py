"""Secrets: sealed where they must be read again, hashed where they are only compared.

Sealed values are AES-256-GCM under a tenant's own key, bound by additional data to their place; a tenant's key is
wrapped by a key of the deployment. Destroying the wrapped key erases all that was sealed with it, backups included.
"""

import base64
import hashlib
import hmac
import os
import secrets
import zlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32
MOST_REMEMBERED: Final = 50_000
BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Unreadable(ValueError):
    """A sealed value does not belong to this key and place, or was changed."""


class Secret:
    """A text that never shows itself in a log, a repr or a traceback; `reveal` is the one way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, for the one line that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)


class Keyring:
    """The deployment's keys by version; the newest wraps, every one of them unwraps."""

    def __init__(self, keys: dict[int, bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
            raise ValueError("a keyring needs at least one key of 32 bytes")
        self._keys = keys
        self.current = max(keys)
        self._pepper = hmac.digest(keys[min(keys)], b"sublet token pepper", "sha256")
        self._salt = os.urandom(KEY_BYTES)
        self._known: dict[bytes, bytes] = {}

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read `1:BASE64URL,2:BASE64URL`. The lowest version also makes the pepper, so it is never dropped."""
        keys = {}
        for part in text.split(","):
            version, _, encoded = part.strip().partition(":")
            keys[int(version)] = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        return cls(keys)

    def wrap(self, key: bytes, owner: str) -> bytes:
        """A tenant's key, sealed by the newest key of the deployment."""
        version = self.current
        return version.to_bytes(2, "big") + seal(self._keys[version], key, f"wrap|{version}|{owner}")

    def unwrap(self, wrapped: bytes, owner: str) -> bytes:
        """The key that `wrap` sealed.

        Raises:
            Unreadable: the wrapping key is gone, or the value is not this owner's.
        """
        version = int.from_bytes(wrapped[:2], "big")
        if version not in self._keys:
            raise Unreadable(f"no key of version {version}")
        return unseal(self._keys[version], wrapped[2:], f"wrap|{version}|{owner}")

    def fingerprint(self, token: str) -> bytes:
        """The keyed hash under which a credential is stored and looked up.

        It is remembered under a quicker hash, keyed anew in each process, so that no credential is kept in clear.
        """
        name = hashlib.blake2b(token.encode(), key=self._salt, digest_size=24).digest()
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            known = self._known[name] = hmac.digest(self._pepper, token.encode(), "sha256")
        return known

    def seal_system(self, plain: str, place: str) -> bytes:
        """Seal something that is no tenant's yet, such as the code of a sign-up."""
        return self.wrap(plain.encode(), place)

    def unseal_system(self, sealed: bytes, place: str) -> str:
        """What `seal_system` sealed.

        Raises:
            Unreadable: wrong place or key.
        """
        return self.unwrap(sealed, place).decode()


def new_key() -> bytes:
    """A fresh key of 256 bits."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, plain: bytes, place: str) -> bytes:
    """Encrypt, bound to a place such as `instances.upstream_token|<tenant>|<id>`."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def unseal(key: bytes, sealed: bytes, place: str) -> bytes:
    """Decrypt what `seal` made for the same place.

    Raises:
        Unreadable: another key, another place, or changed bytes.
    """
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
    except (InvalidTag, ValueError):
        raise Unreadable("a sealed value could not be opened") from None


def new_token(prefix: str, length: int = 37) -> str:
    """A credential `prefix` + random base-62 + 6 characters of CRC-32, so that a typo is refused without a query."""
    body = prefix + "".join(secrets.choice(BASE62) for _ in range(length))
    return body + _checksum(body)


def well_formed(token: str, prefix: str, length: int = 37) -> bool:
    """Whether a text has the shape and checksum of a credential of ours."""
    if len(token) != len(prefix) + length + 6 or not token.startswith(prefix) or not token.isascii():
        return False
    return hmac.compare_digest(_checksum(token[:-6]), token[-6:])


def same(left: bytes, right: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(left, right)


def digest(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def _checksum(text: str) -> str:
    number, out = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        out = BASE62[rest] + out
    return out
