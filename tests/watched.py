# SPDX-License-Identifier: Apache-2.0
"""A watch over a driver that is whatever a test does in a hook's name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assisted_kit.driver import Hook
from conformance.watch import Sort
from conformance.watch import Watch

VOLUME = "the-volume"


class Watched:
    """A watch, and short ways to work under it."""

    def __init__(self, module: str) -> None:
        # The driver's code is that of the test.
        driver = type("Driver", (), {"__module__": module})
        self.held: list[Path] = []
        self.watch = Watch(driver, lambda _volume_id: self.held)

    def in_hook(
        self, work: Callable[[], Any], hook: str = Hook.CREATE_BEGIN
    ) -> Any:
        """Do some work as a hook would."""
        with self.watch.call(hook, volume_id=VOLUME, snapshot_id="s"):
            return work()

    def seen(self, sort: Sort) -> list[str]:
        """What hooks were seen to do."""
        return [s.what for s in self.watch.sightings(sort)]


@pytest.fixture
def watched(request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A watch that is on."""
    made = Watched(request.module.__name__)
    with made.watch:
        yield made


def on_a_thread(work: Callable[[], object]) -> None:
    """Do some work on a thread of its own, to its end."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
