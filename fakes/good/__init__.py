# SPDX-License-Identifier: Apache-2.0
"""Drivers that do it differently from the reference driver, and conform.

They prove that the suite is fair: it claims what the contract says, and
nothing of how a driver goes about it.
"""

from __future__ import annotations

from fakes.good.extents import ExtentAdapter
from fakes.good.legacy import BlockingShareDriver
from fakes.good.own_books import OwnBooksAdapter
from fakes.good.registry import GoodDriver

GOOD: tuple[GoodDriver, ...] = (
    GoodDriver(
        OwnBooksAdapter,
        "books in admin metadata, overlays named in its own way, a "
        "directory for each volume",
    ),
    GoodDriver(
        ExtentAdapter,
        "not file-based: snapshots are extents in a pool, and the compute "
        "service has nothing to do",
    ),
    GoodDriver(
        BlockingShareDriver,
        "a legacy driver: two blocking calls, which ask Nova themselves and "
        "look every half minute for its report",
    ),
)
"""Every good driver."""
