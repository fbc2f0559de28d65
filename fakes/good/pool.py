# SPDX-License-Identifier: Apache-2.0
"""Snapshots as maps of extents in one file, as a storage array keeps them.

An extent that did not change between two snapshots is stored once.  The
index is replaced as a whole, after the extents that it names are durable.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

EXTENT = 64 * 1024


class Pool:
    """The extents of all snapshots of a share, and who has which.

    :param directory: where the files ``pool`` and ``pool.index`` are.
    """

    def __init__(self, directory: Path) -> None:
        self._extents = directory / "pool"
        self._index = directory / "pool.index"
        self._lock = directory / "pool.lock"

    def has(self, snapshot_id: str) -> bool:
        """Whether a snapshot is stored."""
        return snapshot_id in self._maps()

    def freeze(self, snapshot_id: str, image: Path) -> None:
        """Store what a raw image holds now as a snapshot."""
        with self.locked():
            self._freeze(snapshot_id, image)

    def _freeze(self, snapshot_id: str, image: Path) -> None:
        maps = self._maps()
        known = {
            digest: slot
            for stored in maps.values()
            for digest, slot in stored.values()
        }
        free = self._free(maps)
        frozen: dict[str, tuple[str, int]] = {}
        with self._open() as file:
            for number, content in extents(image):
                digest = hashlib.sha256(content).hexdigest()
                if digest not in known:
                    known[digest] = next(free)
                    file.seek(known[digest] * EXTENT)
                    file.write(content)
                frozen[str(number)] = (digest, known[digest])
            file.flush()
            os.fsync(file.fileno())
        maps[snapshot_id] = frozen
        self._store(maps)

    def thaw(self, snapshot_id: str, image: Path, size: int) -> None:
        """Write what a snapshot holds into a new raw image.

        :param size: bytes.
        :raises KeyError: there is no such snapshot.
        """
        with (
            self.locked(),
            self._open() as file,
            image.open("wb") as target,
        ):
            stored = self._maps()[snapshot_id]
            target.truncate(size)
            for number, (_, slot) in stored.items():
                file.seek(slot * EXTENT)
                target.seek(int(number) * EXTENT)
                target.write(file.read(EXTENT))
            target.flush()
            os.fsync(target.fileno())

    def forget(self, snapshot_id: str) -> None:
        """Drop a snapshot; what nobody else has is written over later."""
        with self.locked():
            maps = self._maps()
            if maps.pop(snapshot_id, None) is not None:
                self._store(maps)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Have the pool alone, among all threads and processes."""
        with self._lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _open(self) -> BinaryIO:
        descriptor = os.open(self._extents, os.O_RDWR | os.O_CREAT, 0o660)
        return os.fdopen(descriptor, "r+b")

    def _maps(self) -> dict[str, dict[str, tuple[str, int]]]:
        if not self._index.exists():
            return {}
        maps: dict[str, dict[str, tuple[str, int]]] = json.loads(
            self._index.read_text()
        )
        return maps

    def _store(self, maps: dict[str, dict[str, tuple[str, int]]]) -> None:
        new = self._index.with_suffix(".new")
        with new.open("w") as file:
            json.dump(maps, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._index)

    def _free(
        self, maps: dict[str, dict[str, tuple[str, int]]]
    ) -> Iterator[int]:
        used = {
            slot for stored in maps.values() for _, slot in stored.values()
        }
        slot = 0
        while True:
            if slot not in used:
                yield slot
            slot += 1


def extents(image: Path) -> Iterator[tuple[int, bytes]]:
    """Number and content of every extent of an image that is no hole."""
    with image.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        offset = 0
        while offset < end:
            try:
                data = os.lseek(file.fileno(), offset, os.SEEK_DATA)
            except OSError:
                # Nothing but a hole is left.
                return
            number = data // EXTENT
            file.seek(number * EXTENT)
            content = file.read(EXTENT)
            if any(content):
                yield number, content
            offset = (number + 1) * EXTENT
