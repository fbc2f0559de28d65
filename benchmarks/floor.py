# SPDX-License-Identifier: Apache-2.0
"""The fewest ``qemu-img`` commands that do a snapshot's work.

Without limits, without looking at anything and without an ``fsync`` of their
own: what no driver that starts ``qemu-img`` can go below.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

GIB = 1024**3


class FloorVolume:
    """A detached volume of 1 GiB on a directory, worked on by hand.

    :ivar chain: its images, the base image first.
    """

    def __init__(self, share: Path, base: str, depth: int) -> None:
        self._share = share
        self._base_format = base
        self._made = 0
        self.chain = [share / "floor"]
        if base == "qcow2":
            qemu_img("create", "-f", "qcow2", str(self.chain[0]), "1G")
        else:
            with self.chain[0].open("wb") as file:
                file.truncate(GIB)
        for _ in range(depth):
            self.create()

    def create(self) -> None:
        """Take a snapshot: one process, which opens no backing file."""
        self._made += 1
        path = self._share / f"floor.{self._made}"
        qemu_img(
            *("create", "-u", "-f", "qcow2"),
            *self._on(self.chain[-1]),
            *(str(path), "1G"),
        )
        self.chain.append(path)

    def delete_newest(self) -> None:
        """Merge the active image down: one process."""
        self._delete(len(self.chain) - 1)

    def delete_oldest(self) -> None:
        """Merge the overlay on the base image down.

        Two processes, or one if it is the active image.
        """
        self._delete(1)

    def _delete(self, position: int) -> None:
        path, backing = self.chain[position], self.chain[position - 1]
        qemu_img("commit", "-f", "qcow2", "-d", str(path))
        if position + 1 < len(self.chain):
            above = str(self.chain[position + 1])
            qemu_img("rebase", "-u", "-f", "qcow2", *self._on(backing), above)
        path.unlink()
        del self.chain[position]

    def _on(self, backing: Path) -> tuple[str, ...]:
        is_base = backing == self.chain[0]
        format_ = self._base_format if is_base else "qcow2"
        return ("-b", backing.name, "-F", format_)


def qemu_img(*words: object) -> str:
    """Run ``qemu-img``, and return what it prints."""
    return subprocess.run(
        ["qemu-img", *map(str, words)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
