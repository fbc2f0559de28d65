# SPDX-License-Identifier: Apache-2.0
"""The volume manager of contract section 4."""

from __future__ import annotations

from assisted_kit.manager.manager import VolumeManager

__all__ = ["VolumeManager"]
