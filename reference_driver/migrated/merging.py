# SPDX-License-Identifier: Apache-2.0
"""Merges of a detached volume's images, by the books in upstream's place."""

from __future__ import annotations

import enum
import os
from typing import Any

from reference_driver.migrated.working import Working


class Kind(enum.Enum):
    """What is merged."""

    PLAIN = "plain"
    ENCRYPTED = "encrypted"


class Merging(Working):
    """Base of the mends that say what is merged by the books."""

    def by_the_books(self) -> frozenset[Kind]:
        """What is; upstream merges everything else."""
        return frozenset()

    def _is_by_the_books(self, passphrase_file: Any) -> bool:
        kind = Kind.ENCRYPTED if passphrase_file else Kind.PLAIN
        return self.work is not None and kind in self.by_the_books()

    def _img_commit(
        self, path: str, passphrase_file: Any = None, **more: Any
    ) -> None:
        if self._is_by_the_books(passphrase_file):
            assert self.work is not None
            self.books.commit(self.work.state, os.path.basename(path))
            self._delete(path)
        else:
            super()._img_commit(path, passphrase_file, **more)

    def _rebase_img(
        self,
        image: str,
        backing_file: str,
        volume_format: str,
        passphrase_file: Any = None,
    ) -> None:
        if self._is_by_the_books(passphrase_file):
            assert self.work is not None
            self.books.rebase(self.work.state, os.path.basename(image))
        else:
            super()._rebase_img(
                image, backing_file, volume_format, passphrase_file
            )
