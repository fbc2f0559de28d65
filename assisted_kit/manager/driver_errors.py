# SPDX-License-Identifier: Apache-2.0
"""Exceptions of drivers, which count by class name (contract section 1)."""

from __future__ import annotations


def is_busy(error: BaseException) -> bool:
    """Whether it is a ``SnapshotIsBusy``, of whosever making."""
    return any(cls.__name__ == "SnapshotIsBusy" for cls in type(error).__mro__)
