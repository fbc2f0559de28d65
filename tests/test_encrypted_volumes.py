# SPDX-License-Identifier: Apache-2.0
"""What the suite reads of an encrypted volume."""

from __future__ import annotations

from pathlib import Path

import pytest

from assisted_kit.adapter import DriverAdapter
from assisted_kit.capabilities import Capability
from assisted_kit.image import Image
from assisted_kit.key_manager import EncryptionKey
from assisted_kit.key_manager import KeyUnavailable
from conformance import encrypted
from conformance import storage
from conformance.ledger import Ledger
from conformance.watch import secrets
from tests import images
from tests import luks_images
from tests.luks_images import ANOTHER
from tests.luks_images import PASSPHRASE

KEY = EncryptionKey("id", PASSPHRASE)


@pytest.fixture
def chain(tmp_path: Path) -> list[Path]:
    """An encrypted overlay and its base image."""
    base = luks_images.create(tmp_path / "v")
    return [luks_images.overlay(tmp_path / "v.1", "v"), base]


def ledger(offset: int, data: bytes) -> Ledger:
    """What a guest wrote."""
    written = Ledger(images.GIB)
    written.write(offset, data)
    return written


def test_content_is_read_with_the_key(chain: list[Path]) -> None:
    image = Image(chain[0], "qcow2")
    luks_images.write(chain[1:], "write -P 65 64k 4k", PASSPHRASE)
    luks_images.write(chain, "write -P 66 68k 4k", PASSPHRASE)
    written = ledger(64 * images.KIB, b"A" * 4096 + b"B" * 4096)
    assert encrypted.compare(image, written, KEY) is None
    other = encrypted.compare(image, ledger(0, b"C" * 512), KEY)
    assert other is not None
    assert other.expected.startswith("at offset 0")


def test_what_the_key_does_not_open_is_said(chain: list[Path]) -> None:
    found = encrypted.compare(
        Image(chain[0], "qcow2"),
        Ledger(images.GIB),
        EncryptionKey("id", ANOTHER),
    )
    assert found is not None
    assert found.expected == "v.1 readable with the volume's key"
    assert "Invalid password" in found.observed
    assert ANOTHER not in found.observed


def test_a_plain_overlay_is_read_as_it_is(chain: list[Path]) -> None:
    """What is in it is one question, what it is another."""
    images.overlay(chain[0], "v", "qcow2", images.GIB)
    luks_images.write(chain[1:], "write -P 65 64k 4k", PASSPHRASE)
    image = Image(chain[0], "qcow2")
    assert not storage.is_encrypted(image)
    written = ledger(64 * images.KIB, b"A" * 4096)
    assert encrypted.compare(image, written, KEY) is None


def test_a_chain_is_drawn_with_what_is_encrypted(chain: list[Path]) -> None:
    image = Image(chain[0], "qcow2")
    assert storage.draw(image) == (
        "v (qcow2, encrypted) <- v.1 (qcow2, encrypted, active)"
    )
    assert storage.virtual_size(image) == images.GIB


def test_files_are_searched_wherever_they_are(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "copy").write_bytes(bytes(70000) + encrypted.MARKER)
    (tmp_path / "empty").touch()
    (tmp_path / "other").write_bytes(b"nothing")
    (tmp_path / "link").symlink_to("below/copy")
    found = encrypted.files_with(encrypted.MARKER, tmp_path)
    assert found == ["below/copy"]


def test_a_passphrase_is_recognized_in_other_forms() -> None:
    key = bytes(range(32))
    forms = secrets.forms(key.hex(), "the passphrase")
    texts = [
        key.hex(),
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",  # of the bytes
        key.hex().encode().hex(),
    ]
    for text in texts:
        (found,) = secrets.found_in(f"key={text};", "a place", forms)
        assert found.startswith("the passphrase")
        assert found.endswith("is in a place: key=***;")


def test_an_adapter_that_has_trouble_with_its_keys_is_named() -> None:
    class Troubled(DriverAdapter):
        def encryption_key(self) -> EncryptionKey:
            raise ConnectionError("Barbican is down")

    troubled = Troubled(object, None, frozenset({Capability.encryption}))
    with pytest.raises(KeyUnavailable, match="Barbican is down") as error:
        encrypted.key_for(troubled)
    assert "builtins:object" in str(error.value)
