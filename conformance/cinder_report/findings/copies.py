# SPDX-License-Identifier: Apache-2.0
"""What is wrong when a volume is copied, or copied over."""

from __future__ import annotations

import contextlib
import errno
from unittest import mock

from cinder.volume import volume_utils

from conformance.cinder_report.bench import Bench
from conformance.cinder_report.bench import GIB
from conformance.cinder_report.finding import finding
from conformance.cinder_report.finding import Place

REMOTEFS = "volume/drivers/remotefs.py"
NFS = "volume/drivers/nfs.py"
QUOBYTE = "volume/drivers/quobyte.py"
MANAGER = "volume/manager.py"


@finding(
    "A volume is reverted by writing a flat disk over its overlay",
    cause=(
        Place(MANAGER, 1105, "self._copy_volume_data(ctxt, temp_vol, volume)"),
        Place(REMOTEFS, 2084, "raise NotImplementedError()"),
        Place(REMOTEFS, 811, "return False"),
        Place(REMOTEFS, 1335, "return self._delete_stale_snapshot(snapshot)"),
    ),
    suggestion="Implement _revert_to_snapshot with a new overlay on the "
    "snapshot's image, and have _delete_stale_snapshot remove no file that an "
    "image is on.",
    known="LIVE-16",
)
def reverted_over_the_overlay(bench: Bench) -> str | None:
    """Reverting a volume to its snapshot copies the snapshot's data onto the
    file that is in use, a qcow2 overlay: its header is overwritten. The next
    snapshot is on that file, and deleting the first one takes it for stale and
    removes it: the volume cannot be opened any more.
    """
    # Not before a bench has registered Cinder's objects.
    from cinder.volume import manager

    volume = bench.volume()
    snapshot = bench.take(volume)
    snapshot.update({"status": "restoring"})
    snapshot.save()

    def path(row):
        found = bench.driver.initialize_connection(bench.again(row), {})
        return str(bench.directory / found["data"]["name"])

    def copy(context, source, target):
        # What os-brick gives the manager for a local share is that file.
        volume_utils.copy_volume(
            path(source), path(target), 1024, "1M", sparse=True
        )

    service = mock.Mock(
        driver=bench.driver,
        driver_delete_volume=bench.driver.delete_volume,
        _copy_volume_data=copy,
    )
    manager.VolumeManager._revert_to_snapshot_generic(
        service, bench.context, bench.again(volume), bench.again(snapshot)
    )
    newer = bench.take(bench.again(volume))
    bench.delete(snapshot)
    needed, _ = bench.backing(bench.file(volume, newer))
    if (bench.directory / str(needed)).exists():
        return None
    return f"{needed} is removed, and the active image is on it"


@finding(
    "A larger copy is as large as its source",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(NFS, 740, "self._set_rw_permissions_for_all(path_to_new_vol)"),
        Place(QUOBYTE, 431, 'LOG.debug("Creating direct copy from snapshot")'),
    ),
    suggestion="Resize the new image to volume_size, in the format that it "
    "was written in.",
    rules=("ABL-015",),
)
def larger_copy_is_not_larger(bench: Bench) -> str | None:
    """A volume of 2 GiB is created from a snapshot of 1 GiB, or as a clone of
    a volume of 1 GiB that has snapshots. The size is on record and in the
    user's quota; the disk that the guest gets has 1 GiB.
    """
    volume = bench.volume()
    snapshot = bench.take(volume)
    copy, clone = bench.row(), bench.row()
    for row in (copy, clone):
        row.size = 2
        row.save()
    bench.driver.create_volume_from_snapshot(copy, snapshot)
    bench.driver.create_cloned_volume(clone, bench.again(volume))
    sizes = [
        bench.info(bench.file(row), "raw")["virtual-size"] / GIB
        for row in (copy, clone)
    ]
    return f"images of {sizes} GiB" if min(sizes) < 2 else None


@finding(
    "The temporary snapshot of a failed clone stays for ever",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(REMOTEFS, 1224, "self._create_snapshot(temp_snapshot)"),
        Place(REMOTEFS, 1225, "try:"),
    ),
    suggestion="Take the temporary snapshot inside the try, and destroy its "
    "row whatever happens.",
)
def temporary_snapshot_stays(bench: Bench) -> str | None:
    """The share has no room for the temporary snapshot that a clone begins
    with. The clone fails, and the source has a snapshot in the status
    ``creating`` from then on, which nobody asked for: the volume can be
    deleted only after an administrator has reset it.
    """
    volume = bench.volume()
    bench.take(volume)
    full = OSError(errno.ENOSPC, "No space left on device")
    with (
        mock.patch.object(
            bench.driver, "_do_create_snapshot", side_effect=full
        ),
        contextlib.suppress(OSError),
    ):
        bench.driver.create_cloned_volume(bench.row(), bench.again(volume))
    left = [
        snapshot.display_name
        for snapshot in bench.again(volume).snapshots
        if snapshot.status == "creating"
    ]
    return f"{left[0]} is creating" if left else None
