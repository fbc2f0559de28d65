# SPDX-License-Identifier: Apache-2.0
"""The root of the kit's own errors."""

from __future__ import annotations


class AssistedKitError(Exception):
    """Base of every error the kit raises on purpose."""
