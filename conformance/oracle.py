# SPDX-License-Identifier: Apache-2.0
"""The oracle: whether an image reads as the ledger says.

It reads with the kit's own reader, which can tell what is wrong, and has
``qemu-img`` confirm what it read of a qcow2 image, which has the last word.
The driver is not asked.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from assisted_kit import qcow2
from assisted_kit.image import Image
from conformance.ledger import author
from conformance.ledger import Ledger
from conformance.ledger import SECTOR


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing in which an image differs from the ledger."""

    expected: str
    observed: str


def compare(
    image: Image, ledger: Ledger, *, confirmed: bool = True
) -> Difference | None:
    """How ``image`` differs from what the guest wrote, if it does.

    :param confirmed: by ``qemu-img``; false where it is soon to be asked
        about the same bytes again.
    """
    difference = _compare_by_reader(image, ledger)
    if difference is None and confirmed and image.format != "raw":
        # The bytes of a raw image have been read; there is no more to it.
        return _compare_by_qemu(image, ledger)
    return difference


def _compare_by_reader(image: Image, ledger: Ledger) -> Difference | None:
    readable = f"{image.path.name} readable as {image.format}"
    try:
        with qcow2.Chain.open(
            image.path.parent, image.path.name, image.format
        ) as chain:
            if chain.virtual_size != ledger.size:
                return Difference(
                    f"a virtual size of {ledger.size} bytes",
                    f"{chain.virtual_size} bytes",
                )
            for found, written in zip_longest(chain.data(), ledger.data()):
                if found != written:
                    places = [p[0] for p in (found, written) if p]
                    return _first_difference(chain, ledger, min(places))
    except (qcow2.ImageError, OSError) as error:
        return Difference(readable, str(error))
    return None


def _first_difference(
    chain: qcow2.Chain, ledger: Ledger, piece: int
) -> Difference:
    for offset in range(piece, ledger.size, SECTOR):
        found = chain.read(offset, SECTOR)
        written = ledger.read(offset, SECTOR)
        if found != written:
            byte = next(
                i
                for i, (a, b) in enumerate(zip(found, written, strict=True))
                if a != b
            )
            return Difference(
                f"at offset {offset + byte} {author(written, offset)}",
                author(found, offset),
            )
    raise AssertionError(f"no difference from offset {piece} on")


def _compare_by_qemu(image: Image, ledger: Ledger) -> Difference | None:
    descriptor, name = tempfile.mkstemp(prefix="assisted-kit.expected.")
    os.close(descriptor)
    expected = Path(name)
    try:
        ledger.write_image(expected)
        done = subprocess.run(
            [
                "qemu-img",
                "compare",
                "-U",
                "-f",
                image.format,
                "-F",
                "raw",
                str(image.path),
                str(expected),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        expected.unlink()
    if done.returncode == 0:
        return None
    return Difference(
        f"{image.path.name} identical to what the guest wrote",
        f"qemu-img compare: {(done.stdout + done.stderr).strip()}",
    )
