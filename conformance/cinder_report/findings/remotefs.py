# SPDX-License-Identifier: Apache-2.0
"""What is wrong in ``cinder.volume.drivers.remotefs``."""

from __future__ import annotations

import contextlib
import errno
import json
from unittest import mock

from cinder import exception
from cinder.volume.drivers import remotefs

from conformance.cinder_report.bench import Bench
from conformance.cinder_report.bench import GIB
from conformance.cinder_report.finding import finding
from conformance.cinder_report.finding import Place

REMOTEFS = "volume/drivers/remotefs.py"


@finding(
    "An overlay's backing format is what the guest wrote",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(
            REMOTEFS,
            1597,
            "info = self._qemu_img_info(backing_path_full_path,",
        ),
        Place(REMOTEFS, 1599, "backing_fmt = info.file_format"),
    ),
    suggestion="Take the format of the active image from the volume's admin "
    "metadata, and give it to qemu-img with -f and -F; what is recorded as "
    "raw is raw, whatever it holds.",
    rules=(
        "ABL-004",
        "ABL-005",
        "CRE-002",
        "CRE-007",
        "SEC-007",
        "SEC-008",
    ),
    known="LIVE-7; like CVE-2015-7548 and bug 2073146",
)
def probed_backing_format(bench: Bench) -> str | None:
    """A guest whose disk is a raw image writes an image of its own to it,
    header first. After the next snapshot its disk reads as what that image
    holds, and not as what was written; the header may name any file of the
    host as backing file.
    """
    volume = bench.volume()
    inner = bench.share / "inner"
    bench.run("qemu-img", "create", "-q", "-f", "qcow2", inner, "1G")
    bench.write(bench.file(volume), inner.read_bytes(), "raw")
    snapshot = bench.take(volume)
    _, format_ = bench.backing(bench.file(volume, snapshot))
    if format_ == "raw":
        return None
    return f"the overlay says that the raw image below it is {format_}"


@finding(
    "The format below a deleted snapshot is what the guest wrote",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(
            REMOTEFS,
            1356,
            "base_file_img_info = self._qemu_img_info(base_path,",
        ),
        Place(
            REMOTEFS, 1531, "base_file_fmt = base_file_img_info.file_format"
        ),
    ),
    suggestion="The overlay that is removed says what is below it and in "
    "which format: hand that on.",
    rules=("DEL-013", "HKS-007"),
    known="LIVE-7",
)
def probed_base_format(bench: Bench) -> str | None:
    """A guest has written a qcow2 image to its raw disk, and the overlay above
    says ``raw``, as it should. When that snapshot is deleted while the volume
    is detached, the next overlay says that the base image is qcow2.
    """
    volume = bench.volume()
    inner = bench.share / "inner"
    bench.run("qemu-img", "create", "-q", "-f", "qcow2", inner, "1G")
    bench.write(bench.file(volume), inner.read_bytes(), "raw")
    older = bench.take(volume)
    bench.run(
        *("qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw"),
        *("-b", volume.name, bench.file(volume, older)),
    )
    newer = bench.take(bench.again(volume))
    bench.delete(older)
    _, format_ = bench.backing(bench.file(volume, newer))
    if format_ == "raw":
        return None
    return f"the overlay says that the raw base image is {format_}"


@finding(
    "The info file is truncated before it is written",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(REMOTEFS, 852, "with open(info_path, 'w') as f:"),
        Place(
            REMOTEFS, 853, "json.dump(snap_info, f, indent=1, sort_keys=True)"
        ),
    ),
    suggestion="Write a temporary file in the same directory, fsync it, "
    "rename it over the info file, and fsync the directory.",
    rules=("LAY-003",),
)
def info_file_in_place(bench: Bench) -> str | None:
    """The share is full, or the service is killed, while the info file is
    written: it is empty then, and the volume can be neither attached nor
    have its snapshots read or deleted.
    """
    volume = bench.volume()
    bench.take(volume)
    full = OSError(errno.ENOSPC, "No space left on device")
    with (
        mock.patch.object(remotefs.json, "dump", side_effect=full),
        contextlib.suppress(OSError),
    ):
        bench.take(volume)
    try:
        bench.driver.initialize_connection(bench.again(volume), {})
    except ValueError as error:
        return f"initialize_connection raises {error}"
    return None


@finding(
    "A missing info file counts as: there are no snapshots",
    drivers=("nfs", "quobyte"),
    cause=(Place(REMOTEFS, 1136, "# No info file = no snapshots exist"),),
    suggestion="Where the share has an overlay of the volume, a missing info "
    "file is an error.",
    rules=("LAY-005",),
)
def missing_info_file(bench: Bench) -> str | None:
    """The info file of a volume with snapshots is gone, after the share was
    restored say. The next attachment opens the base image, and everything
    that was written since the first snapshot is missing from the disk.
    """
    volume = bench.volume()
    bench.take(volume)
    (bench.directory / f"{volume.name}.info").unlink()
    volume = bench.again(volume)
    found = bench.driver.initialize_connection(volume, {})["data"]["name"]
    return f"{found!r} is attached" if found == volume.name else None


@finding(
    "The overlay of a failed create stays for ever",
    drivers=("nfs", "quobyte", "vzstorage"),
    cause=(
        Place(REMOTEFS, 1911, "except Exception:"),
        Place(
            REMOTEFS,
            1912,
            "LOG.exception('Call to Nova to create snapshot failed')",
        ),
    ),
    suggestion="Deleting the failed snapshot looks for its overlay, and "
    "removes it when nothing was written to it and nobody has it open.",
    rules=("CAL-007", "DEL-010", "ERR-005", "REP-005", "REP-009"),
    known="LIVE-17",
)
def orphaned_overlay(bench: Bench) -> str | None:
    """Nova refuses to take a snapshot. The overlay that was made for it is
    still on the share when that snapshot and the volume are deleted.
    """
    volume = bench.volume()
    bench.attach(volume)
    snapshot = bench.snapshot(bench.again(volume))
    bench.nova.create = mock.Mock(side_effect=ConnectionRefusedError)
    with contextlib.suppress(ConnectionRefusedError):
        bench.driver.create_snapshot(snapshot)
    bench.delete(snapshot)
    bench.driver.delete_volume(bench.again(volume))
    left = bench.file(volume, snapshot)
    return f"{left.name} is left" if left.exists() else None


@finding(
    "The base image's new format is recorded before Nova has merged",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(REMOTEFS, 2000, "admin_metadata['base_format'] = ("),
        Place(REMOTEFS, 2002, "snapshot.volume.save()"),
    ),
    suggestion="Save base_format after _nova_assisted_vol_snap_delete has "
    "returned.",
    rules=("REP-007",),
    known="LIVE-8",
)
def base_format_too_early(bench: Bench) -> str | None:
    """Nova fails to delete the only snapshot of an attached volume with a raw
    base image. Nothing has changed on the share, but the base image is
    recorded as qcow2 from then on, and the volume cannot be extended.
    """
    volume = bench.volume()
    bench.attach(volume)
    snapshot = bench.take(bench.again(volume))
    bench.nova.delete = mock.Mock(side_effect=ConnectionRefusedError)
    with contextlib.suppress(ConnectionRefusedError):
        bench.delete(snapshot)
    format_ = bench.again(volume).admin_metadata["base_format"]
    return None if format_ == "raw" else f"base_format is {format_!r}"


@finding(
    "A report of an earlier attempt makes a delete not wait",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(
            REMOTEFS, 2049, "if s['status'] == fields.SnapshotStatus.DELETING:"
        ),
        Place(REMOTEFS, 2050, "if s['progress'] == '90%':"),
    ),
    suggestion="Set progress to 0% in the transaction that sets the status "
    "to deleting, for a clone's temporary snapshot as well.",
    known="LIVE-1",
)
def stale_progress(bench: Bench) -> str | None:
    """Nova has reported an error, with the progress 90% that it sends with
    every status. The snapshot is deleted by force: Cinder does not wait for
    Nova, and removes a file that the guest has open and that its disk needs.
    """
    volume = bench.volume()
    bench.attach(volume)
    older = bench.take(bench.again(volume))
    newer = bench.take(bench.again(volume))
    bench.report(older.id, "error_deleting", "90%")
    # Nova takes the request, and has not even begun when Cinder goes on.
    bench.delete(older)
    needed, _ = bench.backing(bench.file(volume, newer))
    if (bench.directory / str(needed)).exists():
        return None
    return f"{needed} is removed, and {newer.id}'s overlay is on it"


@finding(
    "A report of done is believed, whatever is on disk",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(
            REMOTEFS,
            2016,
            "self._nova_assisted_vol_snap_delete("
            "context, snapshot, delete_info)",
        ),
        Place(REMOTEFS, 2024, "self._delete(path_to_delete)"),
    ),
    suggestion="Read the chain again after the report, and raise without "
    "removing anything when the file is in it still.",
    rules=("DEL-003",),
    known="LIVE-3; like bugs 1530275 and 1643017",
)
def done_is_believed(bench: Bench) -> str | None:
    """Nova takes a block job that it cannot find for one that has succeeded,
    and reports that it is done. Nothing was merged; Cinder removes the file,
    and the guest's disk does not open any more.
    """
    volume = bench.volume()
    bench.attach(volume)
    older = bench.take(bench.again(volume))
    newer = bench.take(bench.again(volume))
    bench.nova.delete = lambda info: bench.report(older.id, "deleting", "90%")
    bench.delete(older)
    needed, _ = bench.backing(bench.file(volume, newer))
    if (bench.directory / str(needed)).exists():
        return None
    return f"{needed} is removed, and the active image is on it"


@finding(
    "A header that says another format than recorded is believed",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(REMOTEFS, 2019, "self._write_info_file(info_path, snap_info)"),
    ),
    suggestion="Read the header that was written, and put the recorded format "
    "back while nobody has the image open.",
    rules=("DEL-006",),
    known="LIVE-14",
)
def wrong_header_is_believed(bench: Bench) -> str | None:
    """A stopped guest's overlays are merged by Nova with ``qemu-img rebase``,
    which probes a raw base image that the guest has written to. The overlay
    says ``qcow2`` of it from then on, and Cinder takes that for done.
    """
    volume = bench.volume()
    bench.attach(volume)
    older = bench.take(bench.again(volume))
    newer = bench.take(bench.again(volume))
    overlay = bench.file(volume, newer)

    def merge(info):
        rebase = ("qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "qcow2")
        bench.run(*rebase, "-b", volume.name, overlay)
        bench.report(older.id, "deleting", "90%")

    bench.nova.delete = merge
    bench.delete(older)
    _, format_ = bench.backing(overlay)
    if format_ == "raw":
        return None
    return f"deleted, and the overlay says that its raw base is {format_}"


@finding(
    "A delete that was carried out late can never be repeated",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(REMOTEFS, 2071, "if seconds_elapsed > timeout:"),
        Place(REMOTEFS, 1316, "snapshot_file = snap_info[snapshot.id]"),
    ),
    suggestion="Compare the info file with the chain first: a file that is "
    "not in the chain any more has been merged, and only its record and the "
    "file are left to be removed.",
    rules=("DEL-005", "REP-009"),
)
def late_merge_is_not_recognized(bench: Bench) -> str | None:
    """Nova merges the files of a snapshot when Cinder has given up waiting.
    The info file says that they are there, the chain says that they are not,
    and each later delete of that snapshot fails.
    """
    volume = bench.volume()
    bench.attach(volume)
    older = bench.take(bench.again(volume))
    newer = bench.take(bench.again(volume))
    with (
        mock.patch.object(remotefs, "time"),
        contextlib.suppress(exception.RemoteFSException),
    ):
        bench.delete(older)
    rebase = ("qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw")
    bench.run(*rebase, "-b", volume.name, bench.file(volume, newer))
    bench.nova.delete = mock.Mock(side_effect=LookupError("not in the chain"))
    try:
        bench.delete(older)
    except Exception as error:
        return f"Nova is asked to merge once more, and cannot: {error}"
    return None


@finding(
    "A snapshot that somebody makes available is waited for without a pause",
    drivers=("nfs", "quobyte", "vzstorage"),
    cause=(
        Place(
            REMOTEFS, 1928, "if s['status'] == fields.SnapshotStatus.CREATING:"
        ),
        Place(
            REMOTEFS, 1935, "elif s['status'] == fields.SnapshotStatus.ERROR:"
        ),
    ),
    suggestion="An else branch: the API admits available as a status that "
    "follows creating, so it means done.",
    known="LIVE-2",
)
def spins_when_available(bench: Bench) -> str | None:
    """``os-update_snapshot_status`` accepts ``available`` for a snapshot that
    is ``creating``. The thread that waits for Nova reads the row as fast as it
    can then, without end, and holds the volume's lock.
    """
    volume = bench.volume()
    bench.attach(volume)
    bench.nova.create = lambda info: bench.report(
        info["snapshot_id"], "available", "100%"
    )
    looks = 0
    look = remotefs.db.snapshot_get

    def counted(*arguments):
        nonlocal looks
        looks += 1
        if looks > 200:
            raise TimeoutError
        return look(*arguments)

    with (
        mock.patch.object(remotefs.db, "snapshot_get", counted),
        mock.patch.object(remotefs, "time") as time,
    ):
        try:
            bench.driver.create_snapshot(bench.snapshot(bench.again(volume)))
        except TimeoutError:
            return (
                f"200 looks, and {time.sleep.call_count} pauses between them"
            )
    return None


@finding(
    "What a guest writes after a time-out is lost at its next restart",
    drivers=("nfs", "quobyte", "vzstorage"),
    cause=(
        Place(REMOTEFS, 1956, "if seconds_elapsed > timeout:"),
        Place(REMOTEFS, 1959, "raise exception.RemoteFSException(msg)"),
    ),
    suggestion="Record the overlay as active before Nova is asked, or when "
    "its answer is unknown: nobody has written to it, so it reads as its "
    "backing file whether or not the guest was switched.",
    rules=("ERR-004",),
    known="LIVE-11",
)
def switched_and_never_reported(bench: Bench) -> str | None:
    """Nova switches the guest to the overlay, and its report is lost. Cinder
    gives up, and names the old image to whoever attaches the volume next:
    what the guest wrote meanwhile is not in it.
    """
    volume = bench.volume()
    bench.attach(volume)
    snapshot = bench.snapshot(bench.again(volume))
    bench.nova.create = lambda info: bench.write(
        bench.directory / info["new_file"], b"durable", "qcow2"
    )
    with (
        mock.patch.object(remotefs, "time"),
        contextlib.suppress(exception.RemoteFSException),
    ):
        bench.driver.create_snapshot(snapshot)
    connection = bench.driver.initialize_connection(bench.again(volume), {})
    if connection["data"]["name"] == bench.file(volume, snapshot).name:
        return None
    return f"{connection['data']['name']!r} is attached, without the data"


@finding(
    "Without a recorded format the guest is switched and nothing recorded",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(
            REMOTEFS,
            1873,
            "admin_metadata['base_format'] = admin_metadata['format']",
        ),
    ),
    suggestion="Work out what is to be recorded before Nova is asked: where "
    "no format is recorded, raw if the image inspects as raw, and refuse it "
    "otherwise, since a guest may have written that header.",
    rules=("FMT-003",),
    known="LIVE-6",
)
def no_recorded_format(bench: Bench) -> str | None:
    """A volume from before formats were recorded, or one that was taken under
    management, is attached. Nova switches the guest to the overlay, and then
    create raises KeyError: the info file does not name the overlay.
    """
    volume = bench.volume()
    volume.admin_metadata = {}
    volume.save()
    bench.attach(volume)
    snapshot = bench.snapshot(bench.again(volume))
    try:
        bench.driver.create_snapshot(snapshot)
    except KeyError as error:
        return f"KeyError: {error}, after Nova was asked: {bench.nova.asked}"
    return None


@finding(
    "A new volume holds what a file of its name held",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(REMOTEFS, 420, "self._execute('truncate', '-s', '%sG' % size,"),
    ),
    suggestion="Refuse to create a volume over a file that is there.",
    rules=("LAY-009",),
)
def leftover_read(bench: Bench) -> str | None:
    """A file with the name of a new volume is on the share, left by a volume
    whose deletion failed or put there by a migration. The new volume is not
    empty: its owner reads what the file held.
    """
    made = bench.driver._do_create_volume

    def over_a_leftover(volume):
        bench.file(volume).write_bytes(b"somebody else's data")
        made(volume)

    bench.driver._do_create_volume = over_a_leftover
    volume = bench.volume()
    with bench.file(volume).open("rb") as image:
        found = image.read(20)
    size = bench.file(volume).stat().st_size
    return f"it begins with {found!r}" if any(found) and size == GIB else None


@finding(
    "A method calls another one without an argument that it wants",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(
            REMOTEFS,
            1160,
            "img_info = self._qemu_img_info(forward_path)  # type: ignore",
        ),
    ),
    suggestion="Pass the volume's name, or remove the method: nothing in "
    "Cinder calls it.",
    known="LIVE-15",
)
def missing_argument(bench: Bench) -> str | None:
    """A driver that asks for the backing file of a snapshot by the method that
    its base class has for it gets TypeError.
    """
    volume = bench.volume()
    snapshot = bench.take(volume)
    try:
        bench.driver._get_snapshot_backing_file(snapshot)
    except TypeError as error:
        return str(error)
    return None


@finding(
    "A backing file on another share passes for one's own",
    drivers=("nfs", "quobyte"),
    cause=(Place(REMOTEFS, 902, '"(%(basedir)s/[0-9a-f]+/)?" \\'),),
    suggestion="Admit an absolute name only in the directory of the image "
    "itself, and escape what goes into the regular expression.",
    rules=("SEC-001",),
)
def backing_file_of_another_share(bench: Bench) -> str | None:
    """The header of an active image names, as its backing file, a file of the
    volume's name on another share below the same mount point base. It is
    attached: whoever writes to one share has another share's file read.
    """
    volume = bench.volume()
    snapshot = bench.take(volume)
    elsewhere = bench.driver._get_mount_point_base() + "/0123/" + volume.name
    bench.run(
        *("qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw"),
        *("-b", elsewhere, bench.file(volume, snapshot)),
    )
    try:
        bench.driver.initialize_connection(bench.again(volume), {})
    except exception.RemoteFSInvalidBackingFile:
        return None
    return f"attached, although its header names {elsewhere}"


@finding(
    "What was merged is removed before anything is recorded",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(REMOTEFS, 948, "self._delete(path)"),
        Place(REMOTEFS, 1534, "# Remove snapshot_file from info"),
    ),
    suggestion="Write the info file first, and remove the file that nothing "
    "names any more after that, as the delete with Nova's help does.",
)
def removed_before_recorded(bench: Bench) -> str | None:
    """The share is full, or the service is killed, when a snapshot of a
    detached volume has been merged. Its file is gone and the info file still
    names it: the volume can be attached no more, and no repeated delete
    succeeds.
    """
    volume = bench.volume()
    snapshot = bench.take(volume)
    full = OSError(errno.ENOSPC, "No space left on device")
    with (
        mock.patch.object(bench.driver, "_write_info_file", side_effect=full),
        contextlib.suppress(OSError),
    ):
        bench.delete(snapshot)
    info = json.loads((bench.directory / f"{volume.name}.info").read_text())
    if (bench.directory / info["active"]).exists():
        return None
    return f"the info file names {info['active']}, which is gone"


@finding(
    "A create that is repeated empties the overlay that the guest is using",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(
            REMOTEFS, 1838, "new_snap_path = self._get_new_snap_path(snapshot)"
        ),
        Place(
            REMOTEFS,
            1604,
            "command = ['qemu-img', 'create', '-f', 'qcow2', '-o',",
        ),
    ),
    suggestion="Make no overlay that is there: with a file of that name Nova "
    "may have been asked.",
    known="cinder-facts, section 4, 11",
)
def made_anew(bench: Bench) -> str | None:
    """The service is killed while it waits for Nova, which has switched the
    guest to the overlay. A create that is run again makes the overlay anew:
    what the guest has written to it is gone.
    """
    volume = bench.volume()
    bench.attach(volume)
    snapshot = bench.snapshot(bench.again(volume))
    overlay = bench.file(volume, snapshot)
    bench.nova.create = lambda info: bench.write(overlay, b"durable", "qcow2")
    with (
        mock.patch.object(remotefs, "time"),
        contextlib.suppress(exception.RemoteFSException),
    ):
        bench.driver.create_snapshot(snapshot)
    bench.nova.create = lambda info: bench.report(
        snapshot.id, "creating", "90%"
    )
    bench.driver.create_snapshot(bench.again(snapshot))
    look = ("qemu-io", "-f", "qcow2", "-r", "-c", "read -v 0 16", overlay)
    return None if "durable" in bench.run(*look) else "the data is zeros"


@finding(
    "The last look at a report is before the last pause",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(REMOTEFS, 1956, "if seconds_elapsed > timeout:"),
        Place(REMOTEFS, 1933, "time.sleep(increment)"),
    ),
    suggestion="Read the row once more before giving up.",
    known="cinder-facts, section 4, 2",
)
def last_look_is_missing(bench: Bench) -> str | None:
    """Nova's report arrives in the last seconds before the time-out, and is
    stored. Cinder gives up all the same: the guest has been switched, and the
    snapshot is in error.
    """
    volume = bench.volume()
    bench.attach(volume)
    snapshot = bench.snapshot(bench.again(volume))
    bench.nova.create = lambda info: None
    slept = 0

    def sleep(seconds):
        nonlocal slept
        slept += seconds
        if slept > 600:
            bench.report(snapshot.id, "creating", "90%")

    with mock.patch.object(remotefs, "time") as time:
        time.sleep = sleep
        try:
            bench.driver.create_snapshot(snapshot)
        except exception.RemoteFSException as error:
            return f"stored: {bench.again(snapshot).progress}; {error}"
    return None


@finding(
    "Without an attachment Nova is asked first and then create fails",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(
            REMOTEFS,
            1850,
            "attachment = snapshot.volume.volume_attachment[0]",
        ),
    ),
    suggestion="Refuse any other number of attachments than one before the "
    "overlay is made.",
    known="cinder-facts, section 4, 16",
)
def attachment_is_missed_too_late(bench: Bench) -> str | None:
    """A volume is attached by its status and has no attachment, as after an
    administrator's reset. Nova switches the guest, and then the driver looks
    for the attachment: IndexError, with the overlay recorded nowhere.
    """
    volume = bench.volume()
    volume.update({"attach_status": "attached", "status": "in-use"})
    volume.save()
    try:
        bench.take(bench.again(volume))
    except IndexError as error:
        return f"Nova was asked {len(bench.nova.asked)} time(s), then: {error}"
    return None


@finding(
    "A pull that was carried out late leaves its record and the old base",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(
            REMOTEFS,
            1266,
            "if utils.paths_normcase_equal(snapshot_file, active_file):",
        ),
        Place(REMOTEFS, 1267, "return"),
    ),
    suggestion="Drop the record, remove the image that was pulled, and record "
    "qcow2 as base_format.",
)
def late_pull_leaves_its_record(bench: Bench) -> str | None:
    """Nova pulls a volume's only snapshot when Cinder has given up waiting.
    The repeated delete succeeds and does nothing: the info file names a
    snapshot that does not exist, and the old base image is left on the share
    when the volume is deleted.
    """
    volume = bench.volume()
    bench.attach(volume)
    snapshot = bench.take(bench.again(volume))
    overlay = bench.file(volume, snapshot)
    with (
        mock.patch.object(remotefs, "time"),
        contextlib.suppress(exception.RemoteFSException),
    ):
        bench.delete(snapshot)
    bench.run("qemu-img", "rebase", "-f", "qcow2", "-b", "", overlay)
    bench.delete(snapshot)
    info = bench.directory / f"{volume.name}.info"
    return (
        "the info file names it" if snapshot.id in info.read_text() else None
    )
