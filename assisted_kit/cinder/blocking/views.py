# SPDX-License-Identifier: Apache-2.0
"""Cinder's objects as the contract's references (section 1).

They have what Cinder's lack: a snapshot's admin metadata, and a volume's
without being an administrator.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

from assisted_kit.cinder.blocking import kept
from assisted_kit.refs import ItemAccess
from assisted_kit.refs import NotWritable


class View(ItemAccess):
    """One of Cinder's objects.

    :param writable: for ordinary methods, which may change and ``save()``
        it; a hook may not.
    """

    def __init__(self, original: Any, *, writable: bool) -> None:
        self.__dict__.update(_original=original, _writable=writable)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._check(f"set {name!r} of")
        setattr(self._original, name, value)

    def __repr__(self) -> str:
        return repr(self._original)

    def save(self) -> None:
        """Store what was changed.

        :raises NotWritable: it was handed to a hook.
        """
        self._check("save")
        self._original.save()

    def refresh(self) -> None:
        """Read it again.

        :raises NotWritable: it was handed to a hook.
        """
        self._check("read")
        self._original.refresh()

    def _check(self, what: str) -> None:
        if not self._writable:
            raise NotWritable(
                f"a hook tried to {what} {self!r}: what it wants persisted "
                f"it returns (contract section 1)"
            )


class SnapshotView(View):
    """A snapshot, with the admin metadata that is kept of it.

    :param volume: its volume, if that is at hand.
    """

    def __init__(
        self,
        original: Any,
        *,
        writable: bool = False,
        volume: VolumeView | None = None,
    ) -> None:
        super().__init__(original, writable=writable)
        self.__dict__["_volume"] = volume

    @property
    def volume(self) -> VolumeView:
        """Its volume."""
        if self._volume is None:
            self.__dict__["_volume"] = VolumeView(
                self._original.volume, writable=self._writable
            )
        volume: VolumeView = self._volume
        return volume

    @property
    def snapshot_admin_metadata(self) -> Mapping[str, str]:
        """What is stored, read-only."""
        return types.MappingProxyType(
            kept.pairs_of(self.volume, self._original.id)
        )


class VolumeView(View):
    """A volume with its snapshots and attachments."""

    @property
    def admin_metadata(self) -> Any:
        """Its admin metadata, whoever's request this is."""
        with self._original.obj_as_admin():
            return self._original.admin_metadata

    @property
    def snapshots(self) -> list[SnapshotView]:
        """Its snapshots, in the order that Cinder has them."""
        return [
            SnapshotView(each, writable=self._writable, volume=self)
            for each in self._original.snapshots
        ]

    @property
    def volume_attachment(self) -> list[AttachmentView]:
        """Its attachments."""
        return [
            AttachmentView(each, writable=self._writable)
            for each in self._original.volume_attachment
        ]


class AttachmentView(View):
    """An attachment; what it has no values for yet is empty."""

    @property
    def connector(self) -> Mapping[str, Any]:
        """What the host that attaches it said of itself."""
        return self._original.connector or {}

    @property
    def connection_info(self) -> Any:
        """What the driver said, flat, as Cinder stores it."""
        return self._original.connection_info or {}
