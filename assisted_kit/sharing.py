# SPDX-License-Identifier: Apache-2.0
"""Who runs which test where several processes share the suite."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assisted_kit.suite import SUITE

_LENGTHS = {
    "MachineTest": 47,
    "CrashAfterDeathTest": 8,
    "CrashTest": 8,
    "LeftAfterCrashTest": 8,
    "CommitCrashTest": 7,
    "CommitTest": 5,
    "DeepChainTest": 5,
    "ComputeDeathTest": 4,
    "DeletedVolumeTest": 4,
    "ChangingShareTest": 3,
    "LaterWritesTest": 3,
    "MixedTest": 3,
    "SeveralVolumesTest": 3,
}
"""Classes of tests that search or sweep, and how many times as long as most
others theirs take; on the reference driver, whose times are much like those
of others."""


def length(item: pytest.Item) -> int:
    """How long a test takes, in units of what most take."""
    cls = getattr(item, "cls", None)
    # Whoever else has a class of such a name has tests of his own.
    if cls is None or cls.__module__.partition(".")[0] != SUITE:
        return 1
    return _LENGTHS.get(cls.__name__, 1)


def shares(
    items: Sequence[pytest.Item], parts: int
) -> list[list[pytest.Item]]:
    """Tests for each of some processes, which are through at one time.

    The longest are given away first, each to whoever has least to do. Within
    a share the order is what it was.
    """
    loads = [0] * parts
    owners = [0] * len(items)
    lengths = [length(item) for item in items]
    for index in sorted(range(len(items)), key=lambda i: -lengths[i]):
        owners[index] = loads.index(min(loads))
        loads[owners[index]] += lengths[index]
    return [
        [item for item, owner in zip(items, owners, strict=True) if owner == n]
        for n in range(parts)
    ]
