# SPDX-License-Identifier: Apache-2.0
"""Calls of the driver's that a test makes itself, and that do not return."""

from __future__ import annotations

import threading
import time

from fixtures import Fixture

from conformance.patience import Patience
from conformance.watch import main_thread
from conformance.watch import Watch

LOOKS = 4
"""How often somebody looks while the patience lasts."""


class Overdue(Fixture):
    """Ends calls on the main thread when the patience is over.

    For a hook the test waits on another thread than the hook's.  For what it
    calls itself, ``initialize_connection`` say, nobody waits.
    """

    def __init__(self, patience: Patience, watch: Watch) -> None:
        self._patience = patience
        self._watch = watch
        self._is_over = threading.Event()

    def _setUp(self) -> None:
        main_thread.prepare()
        looking = threading.Thread(
            target=self._look, name="assisted-kit-overdue", daemon=True
        )
        looking.start()
        self.addCleanup(looking.join)
        self.addCleanup(self._is_over.set)

    def _look(self) -> None:
        seconds = self._patience.seconds
        while not self._is_over.wait(seconds / LOOKS):
            latest = time.monotonic() - seconds
            if any(
                main_thread.runs(call) and call.began < latest
                for call in self._watch.under_way
            ):
                self._patience.give_up()
