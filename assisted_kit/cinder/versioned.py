# SPDX-License-Identifier: Apache-2.0
"""A driver that is handed Cinder's versioned objects, as in its service."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from cinder import objects

from assisted_kit.cinder import service
from assisted_kit.refs import SnapshotRef
from assisted_kit.refs import VolumeRef


class VersionedDriver:
    """A legacy driver; volumes and snapshots are read from Cinder's database.

    One with hooks gets the contract's references (section 1): Cinder's
    objects know nothing of admin metadata of snapshots.
    """

    def __init__(self, driver: Any) -> None:
        self.__dict__["_driver"] = driver

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._driver, name)
        if name.startswith("_") or not callable(value):
            return value
        return _with_objects(value)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._driver, name, value)


def _with_objects(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*values: Any, **named: Any) -> Any:
        return method(
            *(_object_of(value) for value in values),
            **{name: _object_of(value) for name, value in named.items()},
        )

    # Of a bound method that was decorated the one below would be found.
    vars(call)["__signature__"] = inspect.signature(method)
    return call


def _object_of(value: Any) -> Any:
    match value:
        case VolumeRef():
            return objects.Volume.get_by_id(service.admin_context(), value.id)
        case SnapshotRef():
            return objects.Snapshot.get_by_id(
                service.admin_context(), value.id
            )
        case _:
            return value
