# SPDX-License-Identifier: Apache-2.0
"""What is wrong in ``cinder.volume.drivers.vzstorage``."""

from __future__ import annotations

from unittest import mock

from cinder.volume.drivers import vzstorage

from conformance.cinder_report.bench import Bench
from conformance.cinder_report.finding import finding
from conformance.cinder_report.finding import Place

VZSTORAGE = "volume/drivers/vzstorage.py"


@finding(
    "A raw volume is attached in a format that no hypervisor knows",
    drivers=("vzstorage",),
    cause=(
        Place(
            VZSTORAGE,
            382,
            "return image_utils.from_qemu_img_disk_format("
            "img_info.file_format)",
        ),
    ),
    suggestion="Return raw for what is recorded as raw; "
    "from_qemu_img_disk_format is for the formats of images.",
    rules=("CON-006", "LAY-009"),
)
def raw_is_iso(bench: Bench) -> str | None:
    """Nova is told that the disk is an ``iso`` image, which is no driver of
    QEMU's.
    """
    bench.driver.configuration.vzstorage_default_volume_format = "raw"
    volume = bench.volume()
    connection = bench.driver.initialize_connection(volume, {})
    format_ = connection["data"]["format"]
    return None if format_ == "raw" else f"the format is {format_!r}"


@finding(
    "No format is recorded, and the first snapshot fails",
    drivers=("vzstorage",),
    cause=(
        Place(VZSTORAGE, 394, "def _do_create_volume(self, volume):"),
        Place(
            "volume/drivers/remotefs.py",
            1873,
            "admin_metadata['base_format'] = admin_metadata['format']",
        ),
    ),
    suggestion="Record the format when the volume is created, as the base "
    "class does.",
    rules=("ABL-003", "CAL-001", "CCY-001", "DAT-001"),
    known="LIVE-6",
)
def format_is_not_recorded(bench: Bench) -> str | None:
    """The first snapshot of every volume ends in ``error`` with KeyError, and
    its overlay stays on the share.
    """
    volume = bench.volume()
    try:
        bench.take(volume)
    except KeyError as error:
        return f"KeyError: {error}"
    return None


@finding(
    "A volume cannot be created from a snapshot",
    drivers=("vzstorage",),
    cause=(
        Place(
            VZSTORAGE,
            500,
            "def _copy_volume_from_snapshot("
            "self, snapshot, volume, volume_size):",
        ),
        Place(
            "volume/drivers/remotefs.py",
            1561,
            "self._copy_volume_from_snapshot(snapshot,",
        ),
    ),
    suggestion="Take the two keyword arguments that the base class passes.",
    known="LIVE-5",
)
def copy_takes_too_little(bench: Bench) -> str | None:
    """Creating a volume from a snapshot ends in TypeError, and so does cloning
    a volume that has snapshots.
    """
    volume = bench.volume()
    volume.admin_metadata_update({"format": "qcow2"}, delete=False)
    snapshot = bench.take(bench.again(volume))
    try:
        bench.driver.create_volume_from_snapshot(bench.row(), snapshot)
    except TypeError as error:
        return str(error)
    return None


@finding(
    "A volume is extended as what the guest wrote",
    drivers=("vzstorage",),
    cause=(
        Place(
            VZSTORAGE, 452, "image_utils.resize_image(volume_path, size_gb)"
        ),
    ),
    suggestion="Pass the recorded format as file_format, as NfsDriver does.",
)
def extends_by_probing(bench: Bench) -> str | None:
    """The image format of a raw volume is guessed when it is extended. A guest
    that has written a qcow2 image to its disk has that image extended, and
    not the volume.
    """
    volume = bench.volume()
    resize = vzstorage.image_utils.resize_image
    with mock.patch.object(
        vzstorage.image_utils, "resize_image", side_effect=resize
    ) as resized:
        bench.driver.extend_volume(volume, 2)
    told = resized.call_args.kwargs.get("file_format")
    return None if told else "qemu-img resize is not told any format"


@finding(
    "The newest snapshot of a volume cannot be deleted",
    drivers=("vzstorage",),
    cause=(
        Place(
            VZSTORAGE,
            633,
            "higher_file = self._get_higher_image_path(snapshot)",
        ),
        Place(
            "volume/drivers/remotefs.py",
            1004,
            "f.get('backing-filename', ''),",
        ),
    ),
    suggestion="f.get('backing-filename') or '': the base image's is there, "
    "and None.",
    known="cinder-facts, section 4, 17",
)
def newest_stays(bench: Bench) -> str | None:
    """Deleting a volume's newest snapshot, and so its only one, ends in
    TypeError: whether an image is on its overlay is looked up in the whole
    chain, whose last image has no backing file.
    """
    volume = bench.volume()
    volume.admin_metadata_update({"format": "qcow2"}, delete=False)
    snapshot = bench.take(bench.again(volume))
    try:
        bench.delete(snapshot)
    except TypeError as error:
        return str(error)
    return None
