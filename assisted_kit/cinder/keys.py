# SPDX-License-Identifier: Apache-2.0
"""The key manager of Cinder's drivers, and how their volumes are encrypted.

Cinder gets its key manager from Castellan, by the name in its configuration,
and how a volume is encrypted from its type. The kit's volumes have no type.
"""

from __future__ import annotations

from typing import Any

from assisted_kit.key_manager import KeyManager

KEYS = KeyManager()
"""Those of this process, as Cinder's configuration is the process's."""


class CastellanKeys:
    """What ``castellan.key_manager.API`` makes of :data:`BACKEND`."""

    def __init__(self, configuration: Any) -> None:
        del configuration

    def __getattr__(self, name: str) -> Any:
        return getattr(KEYS, name)


BACKEND = f"{__name__}.{CastellanKeys.__name__}"
"""The option ``backend`` of the section ``[key_manager]``."""


def encryption_of(volume: Any, context: Any) -> dict[str, Any]:
    """What Cinder reads of the volume's type, as its documentation has it."""
    del context
    return {
        "encryption_key_id": volume.encryption_key_id,
        "control_location": "front-end",
        "provider": "luks",
        "cipher": "aes-xts-plain64",
        "key_size": 256,
    }
