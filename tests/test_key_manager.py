# SPDX-License-Identifier: Apache-2.0
"""Keys of encrypted volumes, and how a driver comes by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assisted_kit.adapter import DriverAdapter
from assisted_kit.capabilities import Capability
from assisted_kit.key_manager import EncryptionKey
from assisted_kit.key_manager import KeyManager
from assisted_kit.key_manager import KeyUnavailable

ENCRYPTS = frozenset({Capability.encryption, Capability.raw_base})


class Encrypting:
    """A driver that takes a key manager."""

    def __init__(self, configuration: Any, key_manager: Any = None) -> None:
        self.keys = key_manager


class WithoutKeys:
    """A driver that takes none."""

    def __init__(self, configuration: Any) -> None:
        pass


def adapter(driver: type[Any], **options: Any) -> DriverAdapter:
    """An adapter of a driver that says that it can encrypt."""
    return DriverAdapter(driver, None, ENCRYPTS, **options)


def test_keys_are_found_by_their_ids() -> None:
    manager = KeyManager()
    one, other = (manager.create_key(None) for _ in range(2))
    keys = [manager.get(None, id_).get_encoded() for id_ in (one, other)]
    assert [len(key) for key in keys] == [32, 32]
    assert keys[0] != keys[1]
    manager.delete(None, one)
    with pytest.raises(KeyUnavailable, match=one):
        manager.get(None, one)
    assert manager.get(None, other).get_encoded() == keys[1]


def test_a_passphrase_is_not_shown() -> None:
    key = EncryptionKey("an id", "a passphrase")
    assert "an id" in repr(key)
    assert "a passphrase" not in repr(key)


def test_a_driver_gets_the_key_by_its_id(tmp_path: Path) -> None:
    able = adapter(Encrypting)
    driver = able.construct(tmp_path, execute=lambda *words: None)
    key = able.encryption_key()
    encoded = driver.keys.get(None, key.id).get_encoded()
    # As Cinder's drivers and Nova make a passphrase of a key.
    assert key.passphrase == encoded.hex()
    assert able.encryption_key().id != key.id


def test_nobody_else_gets_a_key_manager(tmp_path: Path) -> None:
    unable = DriverAdapter(Encrypting, None, frozenset())
    driver = unable.construct(tmp_path, execute=lambda *words: None)
    assert driver.keys is None
    with pytest.raises(KeyUnavailable):
        unable.encryption_key()


def test_a_driver_without_a_key_manager_is_named() -> None:
    with pytest.raises(KeyUnavailable, match=r"WithoutKeys.*key_manager"):
        adapter(WithoutKeys).encryption_key()
