# SPDX-License-Identifier: Apache-2.0
"""Driver conformance for OpenStack Cinder's assisted snapshots.

What a vendor's own code imports is here; everything else may move.
"""

from __future__ import annotations

from assisted_kit.adapter import DriverAdapter
from assisted_kit.adapter import DriverConfiguration
from assisted_kit.capabilities import Capability
from assisted_kit.driver import AssistedSnapshotDriver
from assisted_kit.driver import CONTRACT_VERSION
from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from assisted_kit.errors import AssistedKitError
from assisted_kit.image import Image
from assisted_kit.key_manager import EncryptionKey
from assisted_kit.process import execute
from assisted_kit.process import ProcessFailed
from assisted_kit.update_errors import ModelUpdateError
from assisted_kit.updates import ModelUpdate
from assisted_kit.updates import validate

__all__ = [
    "CONTRACT_VERSION",
    "AssistedKitError",
    "AssistedSnapshotDriver",
    "Capability",
    "DriverAdapter",
    "DriverConfiguration",
    "EncryptionKey",
    "Hook",
    "Image",
    "ModelUpdate",
    "ModelUpdateError",
    "Operation",
    "ProcessFailed",
    "execute",
    "validate",
]
