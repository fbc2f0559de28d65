# SPDX-License-Identifier: Apache-2.0
"""What is wrong in ``cinder.volume.drivers.nfs``."""

from __future__ import annotations

import json

from cinder import exception

from conformance.cinder_report.bench import Bench
from conformance.cinder_report.finding import finding
from conformance.cinder_report.finding import Place

NFS = "volume/drivers/nfs.py"
QUOBYTE = "volume/drivers/quobyte.py"
VZSTORAGE = "volume/drivers/vzstorage.py"


@finding(
    "Deleting a volume removes whatever its info file names",
    drivers=("nfs", "quobyte", "vzstorage"),
    cause=(
        Place(NFS, 609, "info['active'])"),
        Place(NFS, 614, "self._delete(base_volume_path)"),
        Place(
            QUOBYTE,
            501,
            "mounted_path = os.path.join(volume_dir, active_image)",
        ),
        Place(VZSTORAGE, 561, "self._delete(mounted_path)"),
    ),
    suggestion="Refuse a name that is not one of the volume's own files.",
    rules=("SEC-002",),
)
def removes_what_is_named(bench: Bench) -> str | None:
    """Somebody who can write to the share puts another volume's name, or a
    path outside the share, into the info file of his volume, and deletes the
    volume: the other file is removed, as root.
    """
    volume, other = bench.volume(), bench.volume()
    info = bench.directory / f"{volume.name}.info"
    info.write_text(json.dumps({"active": other.name}))
    bench.driver.delete_volume(volume)
    if bench.file(other).exists():
        return None
    return f"the image of volume {other.id} is gone"


@finding(
    "Only the active image's header is looked at",
    drivers=("nfs", "quobyte"),
    cause=(
        Place(NFS, 163, "info = self._qemu_img_info(path_to_vol,"),
        Place(
            QUOBYTE, 561, "data['format'] = self.ensure_volume_format(volume)"
        ),
    ),
    suggestion="Inspect each image of the chain, and refuse to attach it if "
    "one names what is no file of the volume's.",
    rules=(
        "SEC-001",
        "SEC-005",
        "SEC-006",
        "SEC-009",
        "SEC-010",
        "SEC-014",
    ),
    known="like CVE-2024-32498",
)
def inner_headers_are_trusted(bench: Bench) -> str | None:
    """The header of an image below the active one names a file of the host as
    its backing file. The volume is attached all the same, and QEMU reads that
    file to the guest.
    """
    volume = bench.volume()
    inner = bench.take(volume)
    bench.take(bench.again(volume))
    bench.run(
        *("qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw"),
        *("-b", "/etc/passwd", bench.file(volume, inner)),
    )
    try:
        bench.driver.initialize_connection(bench.again(volume), {})
    except exception.CinderException:
        return None
    return "attached, although its chain leads to /etc/passwd"


@finding(
    "A link in a volume's place is followed",
    drivers=("nfs", "quobyte", "vzstorage"),
    cause=(
        Place(NFS, 152, "path_to_vol = os.path.join(volume_dir, active_vol)"),
        Place(
            QUOBYTE,
            554,
            "active_file = self.get_active_image_from_info(volume)",
        ),
        Place(
            VZSTORAGE,
            236,
            "active_file = self.get_active_image_from_info(volume)",
        ),
    ),
    suggestion="Open images with O_NOFOLLOW, and refuse what is no regular "
    "file.",
    rules=("SEC-004", "SEC-015"),
)
def links_are_followed(bench: Bench) -> str | None:
    """Somebody who can write to the share replaces an image by a symbolic link
    to a file of the host. It is attached as the volume.
    """
    volume = bench.volume()
    outside = bench.share.parent / f"{volume.name}.outside"
    bench.file(volume).rename(outside)
    bench.file(volume).symlink_to(outside)
    try:
        bench.driver.initialize_connection(bench.again(volume), {})
    except exception.CinderException:
        return None
    finally:
        outside.unlink()
    return "attached, although its image is outside the share"


@finding(
    "Any name in the info file is handed to Nova",
    drivers=("nfs", "quobyte", "vzstorage"),
    cause=(
        Place(NFS, 168, "'name': active_vol}"),
        Place(QUOBYTE, 557, "'name': active_file}"),
        Place(VZSTORAGE, 240, "'name': active_file,"),
    ),
    suggestion="Refuse a name that is not one of the volume's own files.",
    rules=("SEC-011",),
)
def any_name_is_attached(bench: Bench) -> str | None:
    """The info file names another volume's image as the active one. It is what
    Nova is told to open: one guest writes to another one's disk.
    """
    volume, other = bench.volume(), bench.volume()
    info = bench.directory / f"{volume.name}.info"
    info.write_text(json.dumps({"active": other.name}))
    try:
        found = bench.driver.initialize_connection(volume, {})["data"]["name"]
    except exception.CinderException:
        return None
    return f"{found!r} is attached as volume {volume.id}"


@finding(
    "An empty info file counts as: there are no snapshots",
    drivers=("nfs", "quobyte"),
    cause=(Place("volume/drivers/remotefs.py", 1135, "if not snap_info:"),),
    suggestion="An info file without an active image is an error.",
    rules=("SEC-003",),
)
def empty_info_file(bench: Bench) -> str | None:
    """The info file of a volume with snapshots holds ``{}``. The next
    attachment opens the base image, and everything that was written since the
    first snapshot is missing from the disk.
    """
    volume = bench.volume()
    bench.take(volume)
    (bench.directory / f"{volume.name}.info").write_text("{}")
    volume = bench.again(volume)
    found = bench.driver.initialize_connection(volume, {})["data"]["name"]
    return f"{found!r} is attached" if found == volume.name else None


@finding(
    "Where no format is recorded the guest chooses it",
    drivers=("nfs", "quobyte", "vzstorage"),
    cause=(
        Place(NFS, 163, "info = self._qemu_img_info(path_to_vol,"),
        Place(NFS, 196, "conn_info['data']['format'] = info.file_format"),
        Place(
            QUOBYTE,
            535,
            "info = self._qemu_img_info(volume_path, volume.name)",
        ),
        Place(VZSTORAGE, 239, "'format': self.get_volume_format(volume),"),
    ),
    suggestion="What is recorded nowhere and looks like anything but raw is "
    "refused until an operator has recorded its format.",
    rules=("FMT-004",),
    known="like CVE-2024-32498",
)
def guest_chooses_the_format(bench: Bench) -> str | None:
    """A volume from before formats were recorded is raw, and its guest writes
    a qcow2 header to it, which may name any file of the host. At the next
    start the volume is attached as qcow2.
    """
    volume = bench.volume()
    volume.admin_metadata = {}
    volume.save()
    inner = bench.share / "inner"
    bench.run("qemu-img", "create", "-q", "-f", "qcow2", inner, "1G")
    bench.write(bench.file(volume), inner.read_bytes(), "raw")
    connection = bench.driver.initialize_connection(bench.again(volume), {})
    format_ = connection["data"]["format"]
    return None if format_ == "raw" else f"it is attached as {format_}"
