# SPDX-License-Identifier: Apache-2.0
"""What somebody may put on a share (contract section 8).

Every image is made here, by ``qemu-img`` with explicit options, and never
by the driver's code.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from assisted_kit import qcow2
from assisted_kit.process import execute

VMDK = b'# Disk DescriptorFile\nversion=1\nRW 2 FLAT "/etc/hostname" 0\n'
"""A descriptor that has QEMU read a file of the host."""


def name_backing_file(overlay: Path, name: str, format_: str) -> None:
    """Have an overlay's header name any backing file, unopened."""
    execute(
        "qemu-img",
        "rebase",
        "-u",
        "-f",
        "qcow2",
        "-b",
        name,
        "-F",
        format_,
        str(overlay),
    )


def say_backing_format(overlay: Path, format_: str) -> None:
    """Have an overlay's header give its backing file another format."""
    name = qcow2.inspect(overlay).backing_file
    assert name is not None, f"{overlay} has no backing file"
    name_backing_file(overlay, name, format_)


def put_data_outside(overlay: Path, data: Path) -> None:
    """Replace an overlay by one whose data is in another file."""
    header = qcow2.inspect(overlay)
    execute(
        "qemu-img",
        "create",
        "-u",
        "-f",
        "qcow2",
        "-o",
        f"data_file={data}",
        "-b",
        str(header.backing_file),
        "-F",
        str(header.backing_format),
        str(overlay),
        str(header.virtual_size),
    )


def put_plain(overlay: Path) -> None:
    """Replace an encrypted overlay by one that is not."""
    header = qcow2.inspect(overlay, luks=True)
    execute(
        "qemu-img",
        "create",
        "-u",
        "-f",
        "qcow2",
        "-b",
        str(header.backing_file),
        "-F",
        str(header.backing_format),
        str(overlay),
        str(header.virtual_size),
    )


def enlarge(overlay: Path) -> None:
    """Double an overlay's virtual size."""
    size = 2 * qcow2.inspect(overlay).virtual_size
    execute("qemu-img", "resize", "-f", "qcow2", str(overlay), str(size))


def move_outside(image: Path, outside: Path) -> Path:
    """Move an image to another directory; returns where it is."""
    # The share may be a file system of its own.
    return Path(shutil.move(image, outside / image.name))
