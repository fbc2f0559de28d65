# SPDX-License-Identifier: Apache-2.0
"""What a migrated driver knows while one of its methods is at work.

Upstream's methods hand each other a path or an id; what is known of the
volume beyond that is kept here, for the thread that works on it.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cinder.volume.drivers import remotefs

from reference_driver.migrated.books import Books
from reference_driver.migrated.books import State


@dataclass(frozen=True, slots=True)
class Work:
    """What a thread of the service is doing to a volume."""

    volume: Any
    state: State
    """The volume as it was found."""
    is_begin: bool = False
    """Upstream is to stop where it would ask Nova."""
    is_complete: bool = False
    """What *begin* did is left out."""

    def is_about(self, path: str) -> bool:
        """Whether a path is that of the volume's info file."""
        return os.path.basename(path) == self.state.files.info


class Working(remotefs.RemoteFSSnapDriverBase):
    """Base of the hooks and of each mend."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._thread = threading.local()
        self.books = Books(self)

    @property
    def work(self) -> Work | None:
        """What this thread is doing, if it is a method of ours."""
        work: Work | None = getattr(self._thread, "work", None)
        return work

    @contextlib.contextmanager
    def working(self, work: Work) -> Iterator[None]:
        """Have upstream's methods find what is known of a volume."""
        before = self.work
        self._thread.work = work
        try:
            yield
        finally:
            self._thread.work = before
