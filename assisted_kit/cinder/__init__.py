# SPDX-License-Identifier: Apache-2.0
"""Cinder 29's own drivers, unmodified, as the suite handles them.

The only part of the kit that imports Cinder, which is the extra ``cinder``.
"""

from __future__ import annotations

from importlib import util

from assisted_kit.errors import AssistedKitError


class CinderMissing(AssistedKitError):
    """Cinder is not installed."""


if util.find_spec("cinder") is None:
    raise CinderMissing(
        "a driver of Cinder's needs Cinder 29: install assisted-kit[cinder]"
    )
