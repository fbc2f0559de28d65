# SPDX-License-Identifier: Apache-2.0
"""The driver interface: four hooks beside the ordinary Cinder driver.

Contract section 1.  A driver needs no base class of ours: whatever has
the members is a driver.  :class:`AssistedSnapshotDriver` is the same text
for a type checker.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Mapping
from typing import Any
from typing import Protocol
from typing import runtime_checkable

CONTRACT_VERSION = 1
"""The version of the contract that this kit implements."""


class Operation(enum.StrEnum):
    """What is being done to a snapshot."""

    CREATE = "create"
    DELETE = "delete"


class Hook(enum.StrEnum):
    """The four hooks, by the names of their methods (section 1)."""

    CREATE_BEGIN = "create_snapshot_assisted_begin"
    CREATE_COMPLETE = "create_snapshot_assisted_complete"
    DELETE_BEGIN = "delete_snapshot_assisted_begin"
    DELETE_COMPLETE = "delete_snapshot_assisted_complete"

    @property
    def operation(self) -> Operation:
        """The operation that the hook is a half of."""
        if self in (Hook.CREATE_BEGIN, Hook.CREATE_COMPLETE):
            return Operation.CREATE
        return Operation.DELETE

    @property
    def is_begin(self) -> bool:
        """Whether the hook comes before the compute service's work."""
        return self in (Hook.CREATE_BEGIN, Hook.DELETE_BEGIN)

    @classmethod
    def begin(cls, operation: Operation) -> Hook:
        """The *begin* hook of an operation."""
        if operation is Operation.CREATE:
            return cls.CREATE_BEGIN
        return cls.DELETE_BEGIN

    @classmethod
    def complete(cls, operation: Operation) -> Hook:
        """The *complete* hook of an operation."""
        if operation is Operation.CREATE:
            return cls.CREATE_COMPLETE
        return cls.DELETE_COMPLETE


@runtime_checkable
class AssistedSnapshotDriver(Protocol):
    """What the volume manager calls for an assisted snapshot (section 1).

    A hook MUST NOT write the database, call the compute service or wait
    for it.  It may be called again after a crash at any point inside it
    and then finishes the job with the same result (section 4).
    """

    @property
    def supports_assisted_snapshots(self) -> bool:
        """True: the manager uses the hooks; false: a legacy driver."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> Mapping[str, Any] | None:
        """Prepare storage for the compute service; return an update."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> Mapping[str, Any] | None:
        """Make the new state the truth; return an update."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> Mapping[str, Any] | None:
        """Work out what is to be merged into what; return an update."""

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> Mapping[str, Any] | None:
        """Remove what is no longer needed; return an update."""


class LegacyCall(enum.StrEnum):
    """What a legacy driver has instead of the hooks (section 1)."""

    CREATE = "create_snapshot"
    DELETE = "delete_snapshot"


def is_assisted(driver: object) -> bool:
    """Whether the manager drives ``driver`` through the hooks.

    An absent or false ``supports_assisted_snapshots`` is a legacy driver.
    """
    return bool(getattr(driver, "supports_assisted_snapshots", False))


def interface_faults(driver: object) -> list[str]:
    """What keeps ``driver`` from being called as section 1 says.

    Works on an instance or, before one can be made, on a class.  One
    sentence a fault; an empty list means that the interface fits.
    """
    owner = (
        driver.__name__ if inspect.isclass(driver) else type(driver).__name__
    )
    faults = []
    for hook in Hook:
        member = getattr(driver, hook, None)
        if member is None:
            faults.append(f"{owner} has no hook {hook}")
        elif not callable(member):
            faults.append(f"{owner}.{hook} is not callable: {member!r}")
        elif not _takes_one(member, unbound=inspect.isclass(driver)):
            faults.append(
                f"{owner}.{hook}{inspect.signature(member)} cannot be "
                f"called with exactly one positional argument"
            )
    return faults


def _takes_one(member: Any, *, unbound: bool) -> bool:
    try:
        signature = inspect.signature(member)
    except (TypeError, ValueError):
        # A callable without a readable signature (a C function, say) is
        # given the benefit of the doubt: calling it will tell.
        return True
    arguments = [object()] * (2 if unbound else 1)
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True
