# SPDX-License-Identifier: Apache-2.0
"""A key manager in memory, with the interface of Castellan's.

A volume service has Castellan's ``key_manager.API``, which Barbican is
behind.  What a driver does with it works here as well.
"""

from __future__ import annotations

import binascii
import secrets
import uuid
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from assisted_kit.errors import AssistedKitError


class KeyUnavailable(AssistedKitError):
    """There is no key of that id, or none to encrypt a volume with."""


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """A key as the compute service has it for a volume."""

    id: str
    """What the volume has as its ``encryption_key_id``."""
    passphrase: str = field(repr=False)
    """What opens its images: Cinder and Nova take a key's bytes in hex."""


class SymmetricKey:
    """A key, as Castellan's class of that name is used."""

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded

    def get_encoded(self) -> bytes:
        """The bytes of the key."""
        return self._encoded


class KeyManager:
    """Makes keys, and hands them out by their ids."""

    def __init__(self) -> None:
        self._keys: dict[str, SymmetricKey] = {}

    def create_key(
        self,
        context: Any,
        algorithm: str = "AES",
        length: int = 256,
        **_others: Any,
    ) -> str:
        """Make a key of ``length`` bits; returns its id."""
        key_id = str(uuid.uuid4())
        self._keys[key_id] = SymmetricKey(secrets.token_bytes(length // 8))
        return key_id

    def get(self, context: Any, managed_object_id: str) -> SymmetricKey:
        """The key of that id.

        :raises KeyUnavailable: there is none.
        """
        try:
            return self._keys[managed_object_id]
        except KeyError:
            raise KeyUnavailable(
                f"the key manager has no key {managed_object_id}"
            ) from None

    def delete(self, context: Any, managed_object_id: str) -> None:
        """Forget the key of that id.

        :raises KeyUnavailable: there is none.
        """
        self.get(context, managed_object_id)
        del self._keys[managed_object_id]


def passphrase(key: Any) -> str:
    """What opens the images of a volume with a key, as in Cinder."""
    return binascii.hexlify(key.get_encoded()).decode("ascii")
