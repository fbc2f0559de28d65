# SPDX-License-Identifier: Apache-2.0
"""What is wrong with encrypted volumes."""

from __future__ import annotations

from assisted_kit.cinder import keys
from conformance.cinder_report.bench import Bench
from conformance.cinder_report.finding import finding
from conformance.cinder_report.finding import Place

NFS = "volume/drivers/nfs.py"
REMOTEFS = "volume/drivers/remotefs.py"


@finding(
    "A snapshot of an encrypted volume is merged into the wrong image",
    cause=(
        Place(REMOTEFS, 1521, "backing_file=volume_path)"),
        Place(
            REMOTEFS, 1525, "self._rebase_img(higher_file_path, volume_path,"
        ),
    ),
    suggestion="Commit into the image that the overlay is on, and put the "
    "overlay above on that one, by its relative name.",
    known="LIVE-4",
)
def merged_into_the_wrong_image(bench: Bench) -> str | None:
    """An encrypted, detached volume has three snapshots, and the second one is
    deleted. Its data is merged into the base image and not into the image
    below it: the oldest snapshot is overwritten, and the disk has lost what
    was written between the first two.
    """
    key = keys.KEYS.create_key(bench.context)
    volume = bench.volume(encryption_key_id=key)
    oldest, inner, newest = (bench.take(bench.again(volume)) for _ in range(3))
    bench.delete(inner)
    below, _ = bench.backing(bench.file(volume, newest))
    expected = bench.file(volume, oldest).name
    if below == expected:
        return None
    return f"the newest overlay is on {below}, and not on {expected}"


@finding(
    "An encrypted image is recorded as raw",
    cause=(
        Place(
            REMOTEFS, 318, "self._create_encrypted_volume_file(volume_path,"
        ),
        Place(REMOTEFS, 335, "volume.admin_metadata['format'] = self.format"),
    ),
    suggestion="Record qcow2, which is what the image is.",
    rules=("ENC-001",),
)
def encrypted_is_recorded_raw(bench: Bench) -> str | None:
    """The image of an encrypted volume is qcow2 with LUKS inside, and ``raw``
    is what is recorded of it. Whoever goes by the record writes to the
    image's header.
    """
    key = keys.KEYS.create_key(bench.context)
    volume = bench.volume(encryption_key_id=key)
    format_ = bench.again(volume).admin_metadata["format"]
    with bench.file(volume).open("rb") as image:
        header = image.read(4)
    if header == b"QFI\xfb" and format_ == "raw":
        return "the image is qcow2, and recorded is raw"
    return None


@finding(
    "An encrypted volume made from a snapshot can never be snapshotted",
    cause=(
        Place(NFS, 728, "'luks',"),
        Place(REMOTEFS, 1633, 'file_json_dict = {"driver": "qcow2",'),
    ),
    suggestion="Convert to qcow2 with encrypt.format=luks, as a new encrypted "
    "volume is.",
)
def copied_as_plain_luks(bench: Bench) -> str | None:
    """An encrypted volume is created from a snapshot of another one. Its image
    is a LUKS file, while every other encrypted volume's is qcow2 with LUKS
    inside, and what is recorded of it is ``raw``. Taking a snapshot of it
    fails: the image is not in qcow2 format.
    """
    volume = bench.volume(
        encryption_key_id=keys.KEYS.create_key(bench.context)
    )
    snapshot = bench.take(bench.again(volume))
    copy = bench.row(encryption_key_id=keys.KEYS.create_key(bench.context))
    bench.driver.create_volume_from_snapshot(copy, bench.again(snapshot))
    copy.update(
        {"status": "available", "provider_location": volume.provider_location}
    )
    copy.save()
    try:
        bench.take(bench.again(copy))
    except Exception as error:
        if "not in qcow2 format" in str(error):
            return "the snapshot fails: Image is not in qcow2 format"
        raise
    return None
