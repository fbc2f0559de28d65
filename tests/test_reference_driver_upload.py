# SPDX-License-Identifier: Apache-2.0
"""The reference driver's upload: the volume's content and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from assisted_kit import qcow2
from assisted_kit.driver import Hook
from assisted_kit.process import ProcessFailed
from reference_driver import errors
from tests.hooks_alone import DetachedVolume

GIB = 1024**3


class ImageService:
    """Keeps what it is sent, as sparse as it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.calls: list[tuple[Any, str, dict[str, Any]]] = []

    def update(self, context, image_id, meta, file):
        self.calls.append((context, image_id, meta))
        command = ["cp", "--sparse=always", f"/dev/fd/{file.fileno()}"]
        subprocess.run(
            [*command, str(self.path)], check=True, pass_fds=[file.fileno()]
        )


@pytest.fixture(params=[False, True], ids=["raw", "qcow2"])
def volume(request: Any, tmp_path: Path) -> DetachedVolume:
    """A volume of each base format."""
    share = tmp_path / "share"
    share.mkdir()
    return DetachedVolume(share, qcow2=request.param)


@pytest.fixture
def service(tmp_path: Path) -> ImageService:
    return ImageService(tmp_path / "image")


def upload(
    volume: DetachedVolume, service: ImageService, format_: str = "raw", **meta
) -> None:
    volume.driver().copy_volume_to_image(
        "context",
        volume.ref(),
        service,
        {"id": "an image", "disk_format": format_, **meta},
    )


def assert_refused(volume, service, error, match, **options) -> None:
    files = sorted(os.listdir(volume.share))
    with pytest.raises(error, match=match):
        upload(volume, service, **options)
    assert service.calls == []
    assert sorted(os.listdir(volume.share)) == files


@pytest.mark.parametrize("format_", ["raw", "qcow2"])
@pytest.mark.parametrize("snapshots", [0, 2])
def test_the_content_is_flattened(
    volume: DetachedVolume,
    service: ImageService,
    format_: str,
    snapshots: int,
    tmp_path: Path,
) -> None:
    for number in range(snapshots):
        volume.write(number)
        volume.take()
    volume.write(snapshots)
    files = sorted(os.listdir(volume.share))
    upload(volume, service, format_, container_format="bare")
    assert service.calls == [("context", "an image", {})]
    expected = volume.content(*volume.active())
    assert volume.content(service.path, format_) == expected
    assert any(expected)
    if format_ == "qcow2":
        header = qcow2.inspect(service.path)
        assert (header.backing_file, header.virtual_size) == (None, GIB)
    else:
        assert service.path.stat().st_size == GIB
    assert sorted(os.listdir(volume.share)) == files


def test_a_raw_volume_is_uploaded_as_raw(
    service: ImageService, tmp_path: Path
) -> None:
    # Whoever probes follows the header that the guest has written.
    share = tmp_path / "share"
    share.mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret" * 1000)
    volume = DetachedVolume(share)
    crafted = tmp_path / "crafted"
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw"]
    subprocess.run(
        [*command, "-b", str(secret), str(crafted), "1G"], check=True
    )
    path, format_ = volume.active()
    assert format_ == "raw"
    with path.open("r+b") as file:
        file.write(crafted.read_bytes())
    upload(volume, service)
    content = volume.content(service.path, "raw")
    assert content.startswith(b"QFI\xfb")
    assert b"secretsecret" not in content


def test_a_foreign_chain_is_refused(
    volume: DetachedVolume, service: ImageService, tmp_path: Path
) -> None:
    volume.take()
    path, _ = volume.active()
    command = ["qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw"]
    subprocess.run([*command, "-b", "/etc/hostname", str(path)], check=True)
    assert_refused(volume, service, errors.ForeignImage, "/etc/hostname")


def test_an_attached_volume_is_refused(
    volume: DetachedVolume, service: ImageService
) -> None:
    volume.fields["attach_status"] = "attached"
    assert_refused(volume, service, errors.InvalidVolume, "is attached")


def test_a_pending_create_refuses_it(
    volume: DetachedVolume, service: ImageService
) -> None:
    pending = volume.new_snapshot()
    volume.call(Hook.CREATE_BEGIN, pending)
    volume.snapshots[pending]["snapshot_admin_metadata"][
        "create_info:type"
    ] = "qcow2"
    assert_refused(volume, service, errors.ChainUnsettled, pending)


@pytest.mark.parametrize(
    "meta",
    [
        {"format_": "vmdk"},
        {"format_": "raw", "container_format": "compressed"},
    ],
)
def test_what_is_not_made_here_is_refused(
    volume: DetachedVolume, service: ImageService, meta: dict[str, str]
) -> None:
    assert_refused(
        volume, service, errors.ImageUnacceptable, "an image", **meta
    )


def test_a_failure_leaves_no_file(
    volume: DetachedVolume,
    service: ImageService,
    tmp_path: Path,
) -> None:
    conversion = tmp_path / "conversion"
    conversion.mkdir()
    driver = volume.driver()
    driver._conversion = str(conversion)
    seen = []

    def fail(*command: str, **_options: Any) -> None:
        Path(command[-1]).write_bytes(b"half an image")
        seen.extend(conversion.iterdir())
        raise ProcessFailed(command, 1, "No space left on device")

    driver._qemu_img._execute = fail
    with pytest.raises(ProcessFailed):
        driver.copy_volume_to_image(
            None, volume.ref(), service, {"id": "i", "disk_format": "raw"}
        )
    assert len(seen) == 1
    assert os.listdir(conversion) == []
    assert service.calls == []


def test_statistics_are_the_share_s(volume: DetachedVolume) -> None:
    stats = volume.driver().get_volume_stats(refresh=True)
    share = os.statvfs(volume.share)
    total = share.f_blocks * share.f_frsize / GIB
    assert stats["total_capacity_gb"] == pytest.approx(total)
    assert 0 <= stats["free_capacity_gb"] <= total
    assert stats["volume_backend_name"] == "RemoteFSAssistedDriver"
    assert stats["multiattach"] is False
