# SPDX-License-Identifier: Apache-2.0
"""Reads qcow2 images and their backing chains in this process.

Nothing in a file is believed before it is checked: whatever it holds,
reading it ends in content or in an :class:`ImageError`, and never takes
memory or time for a number that the file only claims.
"""

from __future__ import annotations

from assisted_kit.qcow2.chain import Chain
from assisted_kit.qcow2.chain import ChainExtent
from assisted_kit.qcow2.errors import DamagedImage
from assisted_kit.qcow2.errors import ForeignBackingFile
from assisted_kit.qcow2.errors import ImageError
from assisted_kit.qcow2.errors import NotQcow2
from assisted_kit.qcow2.errors import NotRegular
from assisted_kit.qcow2.errors import UnsupportedImage
from assisted_kit.qcow2.extent import Extent
from assisted_kit.qcow2.extent import Kind
from assisted_kit.qcow2.extent import Packed
from assisted_kit.qcow2.header import Header
from assisted_kit.qcow2.header import inspect
from assisted_kit.qcow2.header import is_luks
from assisted_kit.qcow2.header import is_qcow2
from assisted_kit.qcow2.header import read_header
from assisted_kit.qcow2.layer import Layer
from assisted_kit.qcow2.opening import open_regular
from assisted_kit.qcow2.reader import HeaderReader

__all__ = [
    "Chain",
    "ChainExtent",
    "DamagedImage",
    "Extent",
    "ForeignBackingFile",
    "Header",
    "HeaderReader",
    "ImageError",
    "Kind",
    "Layer",
    "NotQcow2",
    "NotRegular",
    "Packed",
    "UnsupportedImage",
    "inspect",
    "is_luks",
    "is_qcow2",
    "open_regular",
    "read_header",
]
