"""Keys and what they lock: encrypted columns, and offers sealed until their opening.

`Keyring` is made once from the installation's two keys and handed to the steps that need it. AES-256-GCM
throughout, a fresh random nonce each time, and the place a value belongs to as associated data: a ciphertext moved
to another row, column, tender or provider does not open. Keys for single purposes are derived by HKDF-SHA256
(RFC 5869).

A sealed offer has a data key of its own, wrapped twice: for its provider, who may read it back, and for the tender's
opening. Nothing else can read it, whatever the role.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_KEY_BYTES = 32


class CannotOpen(Exception):
    """The ciphertext is damaged, or it belongs to another place or key."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An offer's content under its data key, and the data key wrapped for its two readers."""

    content: bytes
    key_for_provider: bytes
    key_for_opening: bytes


@dataclass(frozen=True, slots=True)
class Keyring:
    """The installation's keys: one for columns and look-ups, one for sealed offers."""

    field_key: bytes
    sealing_key: bytes

    @classmethod
    def from_hex(cls, field_key: str, sealing_key: str) -> "Keyring":
        """Make it from the two settings.

        Raises
        ------
        ValueError
            If a key is not 32 bytes in hexadecimal.
        """
        keys = [bytes.fromhex(key) for key in (field_key, sealing_key)]
        if any(len(key) != _KEY_BYTES for key in keys):
            raise ValueError("a key is 32 bytes, written as 64 hexadecimal digits")
        return cls(*keys)

    def lock(self, place: str, value: str) -> bytes:
        """Encrypt one column's value; `place` is ``table.column:id``."""
        return _lock(self._derived(self.field_key, "fields"), place, value.encode())

    def unlock(self, place: str, sealed: bytes) -> str:
        """Decrypt what `lock` made for the same place.

        Raises
        ------
        CannotOpen
            If it was made elsewhere, or changed.
        """
        return _unlock(self._derived(self.field_key, "fields"), place, sealed).decode()

    def lookup(self, kind: str, value: str) -> str:
        """The keyed hash by which a value is found again; without the key, a thousand million guesses are no help."""
        return hmac.new(self._derived(self.field_key, f"lookup:{kind}"), value.encode(), sha256).hexdigest()

    def sign(self, purpose: str, content: bytes) -> str:
        """A signature that only this installation's key can make: HMAC-SHA256, under a key for this purpose alone."""
        return hmac.new(self._derived(self.field_key, f"sign:{purpose}"), content, sha256).hexdigest()

    def is_signed(self, purpose: str, content: bytes, signature: str) -> bool:
        """Whether `sign` made this signature; compared in constant time."""
        return hmac.compare_digest(self.sign(purpose, content).encode(), signature.encode())

    def seal_offer(self, content: bytes, *, tender_id: str, provider_id: str, offer_id: str) -> Sealed:
        """Seal an offer for its provider and for the tender's opening."""
        data_key = secrets.token_bytes(_KEY_BYTES)
        return Sealed(
            content=_lock(data_key, f"offer:{offer_id}", content),
            key_for_provider=_lock(self._provider_key(provider_id), f"offer:{offer_id}", data_key),
            key_for_opening=_lock(self._opening_key(tender_id), f"offer:{offer_id}", data_key),
        )

    def read_own_offer(self, sealed: Sealed, *, provider_id: str, offer_id: str) -> bytes:
        """The provider's way in."""
        data_key = _unlock(self._provider_key(provider_id), f"offer:{offer_id}", sealed.key_for_provider)
        return _unlock(data_key, f"offer:{offer_id}", sealed.content)

    def open_offer(self, sealed: Sealed, *, tender_id: str, offer_id: str) -> bytes:
        """The opening's way in; the step that calls it answers for the time and the record."""
        data_key = _unlock(self._opening_key(tender_id), f"offer:{offer_id}", sealed.key_for_opening)
        return _unlock(data_key, f"offer:{offer_id}", sealed.content)

    def _provider_key(self, provider_id: str) -> bytes:
        return self._derived(self.sealing_key, f"provider:{provider_id}")

    def _opening_key(self, tender_id: str) -> bytes:
        return self._derived(self.sealing_key, f"opening:{tender_id}")

    @staticmethod
    def _derived(key: bytes, purpose: str) -> bytes:
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=f"carepool/{purpose}".encode()).derive(key)


def _lock(key: bytes, place: str, value: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, value, place.encode())


def _unlock(key: bytes, place: str, sealed: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
    except (InvalidTag, ValueError):
        raise CannotOpen("this does not open here: it was changed, moved, or locked with another key") from None
