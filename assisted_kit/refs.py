# SPDX-License-Identifier: Apache-2.0
"""What a driver is handed: snapshots, volumes and attachments.

Contract section 1: attribute and item access, and the names that RemoteFS
drivers use today.  A *hook* gets references that cannot be saved, since it
must not write the database; the ordinary methods and legacy drivers get
references with ``refresh()`` and ``save()``, as Cinder's objects have.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from typing import Protocol

from assisted_kit.errors import AssistedKitError


class NotWritable(AssistedKitError):
    """A hook tried to write the database (contract section 1)."""


class Saver(Protocol):
    """Where references are stored and read again."""

    def save(self, ref: Ref, changes: Mapping[str, Any]) -> None:
        """Store the changed fields of ``ref``."""

    def reload(self, ref: Ref) -> Mapping[str, Any]:
        """The fields of ``ref`` as they are stored now."""


class ItemAccess:
    """``ref['id']`` is ``ref.id``, as of Cinder's objects (section 1)."""

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError as error:
            raise KeyError(name) from error

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and hasattr(self, name)

    def get(self, name: str, default: Any = None) -> Any:
        """The field ``name``, or ``default`` where there is none."""
        return getattr(self, name, default)


class Ref(ItemAccess):
    """A row as a driver sees it; ``ref.id`` and ``ref['id']`` are one.

    Fields set on a reference reach the database by ``save()`` only.
    """

    _kind = "object"
    _read_only: frozenset[str] = frozenset()

    def __init__(
        self,
        fields: Mapping[str, Any],
        *,
        obj_context: Any = None,
        saver: Saver | None = None,
    ) -> None:
        own = {
            "_fields": dict(fields),
            # What cannot be saved is not compared with what is stored.
            "_stored": _copies(fields) if saver else {},
            "_saver": saver,
            "obj_context": obj_context,
        }
        self.__dict__.update(own)

    def __getattr__(self, name: str) -> Any:
        # Called only for what is no ordinary attribute.
        try:
            return self.__dict__["_fields"][name]
        except KeyError:
            raise AttributeError(
                f"a {self._kind} has no field {name!r}"
            ) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._fields:
            raise AttributeError(f"a {self._kind} has no field {name!r}")
        if name in self._read_only:
            raise AttributeError(f"{name} of a {self._kind} is read-only")
        self._fields[name] = value

    def __repr__(self) -> str:
        return f"<{self._kind} {self._fields['id']}>"

    @property
    def _context(self) -> Any:
        """``obj_context`` by the name that Cinder's RemoteFS driver uses."""
        return self.obj_context

    def update(self, values: Mapping[str, Any]) -> None:
        """Set several fields, as Cinder's objects do."""
        for name, value in values.items():
            setattr(self, name, value)

    def save(self) -> None:
        """Store what was changed.

        :raises NotWritable: this reference was handed to a hook.
        """
        saver = self._saver
        if saver is None:
            raise NotWritable(
                f"a hook tried to save {self!r}: what it wants persisted "
                f"it returns (contract section 1)"
            )
        changes = {
            name: value
            for name, value in self._fields.items()
            if name in self._stored and value != self._stored[name]
        }
        if changes:
            saver.save(self, changes)
            self._stored.update(_copies(changes))

    def refresh(self) -> None:
        """Read the fields again.

        :raises NotWritable: this reference was handed to a hook, which
            gets what it needs in its argument.
        """
        saver = self._saver
        if saver is None:
            raise NotWritable(
                f"a hook tried to read {self!r} again: it must not wait "
                f"for anybody's changes (contract section 1)"
            )
        fields = saver.reload(self)
        self._fields.update(fields)
        self._stored.update(_copies(fields))

    @contextlib.contextmanager
    def obj_as_admin(self) -> Iterator[None]:
        """Cinder's idiom around changes of ``admin_metadata``."""
        yield


class AttachmentRef(Ref):
    """An attachment: ``id``, ``connector``, ``connection_info`` and more."""

    _kind = "attachment"


class VolumeRef(Ref):
    """A volume with its snapshots, attachments and admin metadata."""

    _kind = "volume"

    @property
    def name_id(self) -> str:
        """The id that names the volume's files; its own unless migrated."""
        name_id: str | None = self._fields.get("_name_id")
        return name_id or self._fields["id"]

    @property
    def name(self) -> str:
        """The name of the volume on the back end."""
        return f"volume-{self.name_id}"

    @property
    def volume_type(self) -> None:
        """None: the kit's data model has no types of volumes."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """Empty: the kit's data model has no users' metadata of volumes."""
        return MappingProxyType({})


class SnapshotRef(Ref):
    """A snapshot; ``volume`` is its volume, with all its snapshots."""

    _kind = "snapshot"
    _read_only = frozenset({"snapshot_admin_metadata"})

    @property
    def name(self) -> str:
        """The name of the snapshot on the back end."""
        return f"snapshot-{self._fields['id']}"

    @property
    def volume_name(self) -> str:
        """The name of the volume on the back end."""
        return self.volume.name

    @property
    def snapshot_admin_metadata(self) -> Mapping[str, str]:
        """What is stored as admin metadata; read-only."""
        return MappingProxyType(self._fields["snapshot_admin_metadata"])

    @property
    def volume(self) -> VolumeRef:
        """The volume that the snapshot was taken of."""
        volume: VolumeRef = self.__dict__["volume_ref"]
        return volume

    def bind(self, volume: VolumeRef) -> None:
        """Set the volume, once, when references are built."""
        self.__dict__["volume_ref"] = volume


def _copies(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Copies to compare with later; references are compared as they are."""
    return {
        # Most fields are strings and numbers, and deepcopy is slow.
        name: copy.deepcopy(value) if isinstance(value, dict) else value
        for name, value in fields.items()
        if name not in _REFERENCES
    }


_REFERENCES = frozenset({"snapshots", "volume_attachment"})
