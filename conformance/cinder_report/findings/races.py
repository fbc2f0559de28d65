# SPDX-License-Identifier: Apache-2.0
"""What is wrong when two things are done to a volume at a time."""

from __future__ import annotations

import contextlib
import threading
from unittest import mock

from cinder import exception

from conformance.cinder_report.bench import Bench
from conformance.cinder_report.bench import GIB
from conformance.cinder_report.finding import finding
from conformance.cinder_report.finding import Place

REMOTEFS = "volume/drivers/remotefs.py"
NFS = "volume/drivers/nfs.py"
QUOBYTE = "volume/drivers/quobyte.py"
MANAGER = "volume/manager.py"


@finding(
    "A snapshot may be deleted while it is copied",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(
            REMOTEFS,
            2154,
            "@coordination.synchronized('{self.driver_prefix}-{volume.id}')",
        ),
        Place(QUOBYTE, 380, "@utils.synchronized('quobyte', external=False)"),
    ),
    suggestion="Lock the volume of the snapshot as well, in the order in "
    "which create_cloned_volume does.",
    known="LIVE-9",
)
def copied_without_the_lock(bench: Bench) -> str | None:
    """While a volume is created from a snapshot, a neighbouring snapshot of
    the same volume is deleted: files that the copy reads are merged and
    removed, since the copy has only locked the new volume.
    """
    volume = bench.volume()
    older = bench.take(volume)
    newer = bench.take(bench.again(volume))
    got_in = threading.Event()

    def delete():
        bench.delete(older)
        got_in.set()

    def copy(*arguments, **named):
        threading.Thread(target=delete, daemon=True).start()
        got_in.wait(10)

    with (
        mock.patch.object(
            bench.driver, "_copy_volume_from_snapshot", side_effect=copy
        ),
        contextlib.suppress(Exception),
    ):
        bench.driver.create_volume_from_snapshot(
            bench.row(), bench.again(newer)
        )
    return (
        "a delete went through in the middle of a copy"
        if got_in.is_set()
        else None
    )


@finding(
    "A volume is attached by a file that is about to be removed",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(NFS, 143, "def initialize_connection(self,"),
        Place(QUOBYTE, 549, "@utils.synchronized('quobyte', external=False)"),
        Place(REMOTEFS, 948, "self._delete(path)"),
    ),
    suggestion="Take the volume's lock in initialize_connection; nobody may "
    "hold that lock while Nova works, then.",
)
def attached_by_what_is_removed(bench: Bench) -> str | None:
    """A snapshot of a detached volume is being deleted, and the volume is
    ``available``, so that it can be attached. Nova is told the overlay that
    is being merged, and that file is removed under the guest.
    """
    volume = bench.volume()
    snapshot = bench.take(volume)
    commit = bench.driver._img_commit
    named = []

    def attach():
        found = bench.driver.initialize_connection(bench.again(volume), {})
        named.append(found["data"]["name"])

    def meanwhile(*arguments, **options):
        attaching = threading.Thread(target=attach, daemon=True)
        attaching.start()
        attaching.join(5)
        commit(*arguments, **options)

    with mock.patch.object(bench.driver, "_img_commit", meanwhile):
        bench.delete(snapshot)
    if not named or (bench.directory / named[0]).exists():
        return None
    return f"{named[0]} was attached, and is removed"


@finding(
    "Whether a volume is attached is asked before the lock is held",
    cause=(
        Place(
            NFS,
            646,
            "@coordination.synchronized("
            "'{self.driver_prefix}-{snapshot.volume.id}')",
        ),
        Place(
            REMOTEFS,
            1173,
            "return volume.attach_status == "
            "fields.VolumeAttachStatus.ATTACHED",
        ),
    ),
    suggestion="Refresh snapshot.volume when the lock is held: to make the "
    "lock's name it is loaded before.",
)
def attached_while_it_waited(bench: Bench) -> str | None:
    """A create waits for another operation on its volume, and the volume is
    attached meanwhile. It is snapshotted as a detached one: Nova is not asked,
    the guest goes on with the image that is to be the snapshot, and after its
    next start what it wrote meanwhile is in the snapshot.
    """
    volume = bench.volume()
    create = bench.driver._create_snapshot

    def when_the_lock_is_held(snapshot):
        bench.attach(bench.again(volume))
        create(snapshot)

    with mock.patch.object(
        bench.driver, "_create_snapshot", when_the_lock_is_held
    ):
        bench.take(volume)
    if bench.nova.asked:
        return None
    connection = bench.driver.initialize_connection(bench.again(volume), {})
    name = connection["data"]["name"]
    return f"Nova was not asked, and {name} is recorded as what is in use"


@finding(
    "A volume is extended while a snapshot of it is taken",
    cause=(
        Place(
            NFS,
            407,
            "def extend_volume(self, volume: 'objects.Volume', "
            "new_size: int) -> None:",
        ),
        Place(
            REMOTEFS,
            2182,
            "@coordination.synchronized('{self.driver_prefix}-{volume.id}')",
        ),
    ),
    suggestion="Decorate NfsDriver's method as the one that it overrides.",
)
def extended_while_snapshotted(bench: Bench) -> str | None:
    """The overlay is made with the volume's old size, the volume is extended,
    and the overlay becomes active. The extend has succeeded, and the disk is
    as small as before.
    """
    volume = bench.volume()
    make = bench.driver._do_create_snapshot
    extended = threading.Event()

    def extend():
        bench.driver.extend_volume(bench.again(volume), 2)
        extended.set()

    def meanwhile(*arguments):
        make(*arguments)
        threading.Thread(target=extend, daemon=True).start()
        extended.wait(10)

    with mock.patch.object(bench.driver, "_do_create_snapshot", meanwhile):
        snapshot = bench.take(volume)
    size = bench.info(bench.file(volume, snapshot), "qcow2")["virtual-size"]
    if size == 2 * GIB or not extended.is_set():
        return None
    return f"extended to 2 GiB, and the active image has {size / GIB:g}"


@finding(
    "A forced delete takes away the image that a guest was switched to",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(
            REMOTEFS,
            1941,
            "elif (s['status'] == fields.SnapshotStatus.DELETING or",
        ),
        Place(REMOTEFS, 1307, "if snapshot.id not in snap_info:"),
    ),
    suggestion="Record the overlay as active before Nova is asked: then the "
    "delete merges what the guest has written.",
    known="cinder-facts, section 4, 12",
)
def forced_while_created(bench: Bench) -> str | None:
    """While Nova takes a snapshot, an administrator deletes it by force. The
    create gives up, and the delete finds no record and succeeds. The guest
    writes to an overlay that nobody knows of; the next attachment has the
    image below it.
    """
    volume = bench.volume()
    bench.attach(volume)
    snapshot = bench.snapshot(bench.again(volume))

    def switch(info):
        bench.write(bench.directory / info["new_file"], b"durable", "qcow2")
        bench.report(snapshot.id, "deleting", "0%")

    bench.nova.create = switch
    with contextlib.suppress(exception.RemoteFSConcurrentRequest):
        bench.driver.create_snapshot(snapshot)
    bench.driver.delete_snapshot(bench.again(snapshot))
    connection = bench.driver.initialize_connection(bench.again(volume), {})
    name = connection["data"]["name"]
    return f"{name} is attached" if name == volume.name else None


@finding(
    "A create that gives way to a delete puts its status to error",
    cause=(
        Place(MANAGER, 1261, "snapshot.status = fields.SnapshotStatus.ERROR"),
    ),
    suggestion="Set error only if the status is still creating.",
    known="LIVE-18",
)
def deleting_is_overwritten(bench: Bench) -> str | None:
    """A snapshot that is being created is deleted by force. The create ends
    with an error, as it should, and sets the snapshot's status to ``error``
    while the delete is at work; a report of Nova's on that delete is refused
    then.
    """
    # Not before a bench has registered Cinder's objects.
    from cinder.volume import manager

    volume = bench.volume()
    bench.attach(volume)
    snapshot = bench.snapshot(bench.again(volume))
    bench.nova.create = lambda info: bench.report(
        snapshot.id, "deleting", "0%"
    )
    bench.driver.set_initialized()
    service = mock.MagicMock(driver=bench.driver)
    create = manager.VolumeManager.create_snapshot.__wrapped__
    with contextlib.suppress(exception.RemoteFSConcurrentRequest):
        create(service, bench.context, snapshot)
    status = bench.again(snapshot).status
    return None if status == "deleting" else f"the status is {status}"
