# SPDX-License-Identifier: Apache-2.0
"""What is wrong in ``cinder.volume.drivers.quobyte``."""

from __future__ import annotations

import threading
import uuid
from unittest import mock

from cinder import exception
from cinder.volume.drivers import quobyte

from conformance.cinder_report.bench import Bench
from conformance.cinder_report.finding import finding
from conformance.cinder_report.finding import Place

QUOBYTE = "volume/drivers/quobyte.py"
REMOTEFS = "volume/drivers/remotefs.py"


@finding(
    "A volume is extended as what the guest wrote",
    drivers=("quobyte",),
    cause=(
        Place(QUOBYTE, 615, "image_utils.resize_image(active_path, size_gb)"),
    ),
    suggestion="Pass the recorded format as file_format, as NfsDriver does.",
    rules=("ABL-012", "HKS-007"),
)
def extends_what_it_looks_like(bench: Bench) -> str | None:
    """The image format of a raw volume is guessed when it is extended. A guest
    that has written a qcow2 image to its disk has that image extended, and
    not the volume.
    """
    volume = bench.volume()
    with mock.patch.object(quobyte.image_utils, "resize_image") as resize:
        bench.driver.extend_volume(volume, 2)
    told = resize.call_args.kwargs.get("file_format")
    return None if told else "qemu-img resize is not told any format"


@finding(
    "Create and delete of a snapshot take different locks",
    drivers=("quobyte",),
    cause=(
        Place(QUOBYTE, 543, "@utils.synchronized('quobyte', external=False)"),
        Place(QUOBYTE, 544, "def create_snapshot(self, snapshot):"),
    ),
    suggestion="Take the volume's lock for both, as the base class does.",
    known="LIVE-10",
)
def different_locks(bench: Bench) -> str | None:
    """While one snapshot of a volume is being taken another one is deleted.
    Both read the info file and write it again, and one loses what the other
    has written.
    """
    volume = bench.volume()
    older = bench.take(volume)
    snapshot = bench.snapshot(bench.again(volume))
    got_in = threading.Event()

    def delete():
        bench.delete(older)
        got_in.set()

    def create(snapshot):
        threading.Thread(target=delete, daemon=True).start()
        got_in.wait(10)

    with mock.patch.object(bench.driver, "_create_snapshot", create):
        bench.driver.create_snapshot(snapshot)
    if got_in.is_set():
        return "a delete went through in the middle of a create"
    return None


@finding(
    "One waiting snapshot stops the whole service",
    drivers=("quobyte",),
    cause=(
        Place(QUOBYTE, 543, "@utils.synchronized('quobyte', external=False)"),
        Place(QUOBYTE, 549, "@utils.synchronized('quobyte', external=False)"),
    ),
    suggestion="Take a lock for each volume, and none while Nova works.",
    rules=("CON-001",),
)
def one_lock_for_all_volumes(bench: Bench) -> str | None:
    """While Nova works on a snapshot of one volume, for up to ten minutes, no
    other volume of the service can be attached.
    """
    volume, other = bench.volume(), bench.volume()
    bench.attach(volume)
    attached = threading.Event()
    in_time = []

    def attach():
        bench.driver.initialize_connection(other, {})
        attached.set()

    def work(info):
        threading.Thread(target=attach, daemon=True).start()
        in_time.append(attached.wait(3))
        bench.report(info["snapshot_id"], "creating", "90%")

    bench.nova.create = work
    bench.driver.create_snapshot(bench.snapshot(bench.again(volume)))
    if all(in_time):
        return None
    return "another volume was not attached while Nova was working"


@finding(
    "A volume is not reverted to a snapshot",
    drivers=("quobyte",),
    cause=(
        Place(
            QUOBYTE,
            358,
            "if snapshot.status not in ['available', 'backing-up']:",
        ),
    ),
    suggestion="Admit restoring, as RemoteFSSnapDriverBase does.",
    rules=("CAL-008",),
)
def restoring_is_refused(bench: Bench) -> str | None:
    """Cinder's generic revert makes a volume from the snapshot, whose status
    is ``restoring`` then. The driver refuses that.
    """
    volume = bench.volume()
    snapshot = bench.take(volume)
    snapshot.status = "restoring"
    snapshot.save()
    try:
        bench.driver.create_volume_from_snapshot(bench.row(), snapshot)
    except exception.InvalidSnapshot as error:
        return str(error)
    return None


@finding(
    "The clone of a volume with snapshots cannot be opened",
    drivers=("quobyte",),
    cause=(
        Place(QUOBYTE, 428, "out_format = 'raw'"),
        Place(REMOTEFS, 1246, "volume.admin_metadata['format'] = ("),
    ),
    suggestion="Record the format in which the copy was written, as "
    "_create_volume_from_snapshot does.",
    rules=("ABL-003",),
)
def recorded_as_its_source(bench: Bench) -> str | None:
    """A raw volume has snapshots and is cloned. The clone is raw, and what is
    recorded of it is the format of its source's active image, qcow2: no guest
    can open it.
    """
    volume = bench.volume()
    bench.take(volume)
    clone = bench.row()
    bench.driver.create_cloned_volume(clone, bench.again(volume))
    recorded = clone.admin_metadata["format"]
    with bench.file(clone).open("rb") as file:
        looks = "qcow2" if file.read(4) == b"QFI\xfb" else "raw"
    return None if recorded == looks else f"{recorded} is recorded of {looks}"


@finding(
    "What is to be an encrypted volume from a snapshot is a plain copy",
    drivers=("quobyte",),
    cause=(
        Place(QUOBYTE, 368, "self._copy_volume_from_snapshot(snapshot,"),
        Place(QUOBYTE, 370, "volume.size)"),
    ),
    suggestion="Pass the keys of both: _copy_volume_from_snapshot refuses "
    "then.",
    rules=("ABL-014",),
)
def plain_copy(bench: Bench) -> str | None:
    """A volume of an encrypted type is created from a snapshot that is not
    encrypted. The driver supports no encryption and does not say so: what is
    believed to be encrypted lies on the share as it is.
    """
    volume = bench.volume()
    bench.write(bench.file(volume), b"to be encrypted", "raw")
    snapshot = bench.take(volume)
    copy = bench.row(encryption_key_id=str(uuid.uuid4()))
    try:
        bench.driver.create_volume_from_snapshot(copy, snapshot)
    except exception.CinderException:
        return None
    with bench.file(copy).open("rb") as file:
        return f"it begins with {file.read(15)!r}"
