# SPDX-License-Identifier: Apache-2.0
"""A hook that is called in a process of its own."""

from __future__ import annotations

import os
import threading
import types
from pathlib import Path
from typing import Any

import pytest
from oslo_context import context as oslo_context

from assisted_kit import subject as subjects
from assisted_kit.adapter import DriverAdapter
from assisted_kit.driver import Hook
from assisted_kit.refs import AttachmentRef
from assisted_kit.refs import SnapshotRef
from assisted_kit.refs import VolumeRef
from conformance import another_process


class SnapshotIsBusy(Exception):
    pass


class Elsewhere:
    """Tells what it was given, and where it is."""

    def __init__(self, configuration: Any) -> None:
        self.share = configuration.share_directory

    def create_snapshot_assisted_complete(self, ref: Any) -> dict[str, Any]:
        os.write(1, b"noise")
        return {
            "pid": os.getpid(),
            "share": self.share,
            "status": ref.status,
            "volume": ref.volume.name,
            "token": ref.obj_context.auth_token,
            "snapshots": [s.id for s in ref.volume.snapshots],
            "connector": ref.volume.volume_attachment[0].connector,
        }

    def create_snapshot_assisted_begin(self, ref: Any) -> Any:
        metadata = types.MappingProxyType({"a": "b"})
        update = {"snapshot_admin_metadata": metadata, "x": threading.Lock()}
        return types.MappingProxyType(update)

    def delete_snapshot_assisted_complete(self, ref: Any) -> None:
        raise SnapshotIsBusy(f"{ref.id} is busy")

    def delete_snapshot_assisted_begin(self, ref: Any) -> None:
        os._exit(7)


@pytest.fixture
def ref() -> SnapshotRef:
    context = oslo_context.RequestContext(auth_token="t", overwrite=False)
    snapshots = [
        SnapshotRef({"id": name, "status": "creating"}, obj_context=context)
        for name in ("s1", "s2")
    ]
    volume = VolumeRef(
        {
            "id": "v",
            "snapshots": snapshots,
            "volume_attachment": [
                AttachmentRef({"id": "a", "connector": {"host": "c"}})
            ],
        }
    )
    for snapshot in snapshots:
        snapshot.bind(volume)
    return snapshots[1]


def calling(hook: Hook, share: Path) -> Any:
    name = f"{__name__}:Elsewhere"
    subject = subjects.load(name)
    return another_process.calling(subject, share, "raw", hook)


def test_an_update_is_any_mapping(ref: SnapshotRef, tmp_path: Path) -> None:
    returned = calling(Hook.CREATE_BEGIN, tmp_path)(ref)
    assert returned.pop("x").startswith("<unlocked ")
    assert returned == {"snapshot_admin_metadata": {"a": "b"}}


def test_the_reference_goes_there_and_the_update_comes_back(
    ref: SnapshotRef, tmp_path: Path
) -> None:
    returned = calling(Hook.CREATE_COMPLETE, tmp_path)(ref)
    assert returned.pop("pid") != os.getpid()
    assert returned == {
        "share": str(tmp_path),
        "status": "creating",
        "volume": "volume-v",
        "token": "t",
        "snapshots": ["s1", "s2"],
        "connector": {"host": "c"},
    }


def test_exceptions_come_back_by_the_name_of_their_class(
    ref: SnapshotRef, tmp_path: Path
) -> None:
    with pytest.raises(Exception, match="s2 is busy") as caught:
        calling(Hook.DELETE_COMPLETE, tmp_path)(ref)
    assert type(caught.value).__name__ == "SnapshotIsBusy"
    assert "delete_snapshot_assisted_complete" in caught.value.__notes__[0]


def test_a_process_that_ends_is_told(ref: SnapshotRef, tmp_path: Path) -> None:
    with pytest.raises(another_process.ProcessEnded, match="status 7"):
        calling(Hook.DELETE_BEGIN, tmp_path)(ref)


class SharedAdapter(DriverAdapter):
    def construct(self, share: Path, **others: Any) -> Any:
        return super().construct(share / "below", **others)


def test_the_adapter_constructs_the_driver_there(
    ref: SnapshotRef, tmp_path: Path
) -> None:
    subject = subjects.of_class(Elsewhere, SharedAdapter)
    call = another_process.calling(
        subject, tmp_path, "raw", Hook.CREATE_COMPLETE
    )
    assert call(ref)["share"] == str(tmp_path / "below")
