# SPDX-License-Identifier: Apache-2.0
"""Operations that fail, and what every failure leaves behind."""

from __future__ import annotations

from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import DELETE_BEGIN
from scripted import DELETE_COMPLETE
from scripted import ManagerTestCase

from assisted_kit.notifier import Settled

BEGINS = {"create": CREATE_BEGIN, "delete": DELETE_BEGIN}
COMPLETES = {"create": CREATE_COMPLETE, "delete": DELETE_COMPLETE}
FAILED = {"create": "error", "delete": "error_deleting"}
WORDS = {"create": "creating_compute", "delete": "deleting_compute"}
SECONDS = {"create": 600, "delete": 7200}


class FailureTestCase(ManagerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.kit.volume(attached=True)

    def prepare(self, operation: str) -> None:
        """What has to be there before the operation starts."""
        self.id = ""
        if operation == "delete":
            self.id = self.kit.available(self.volume_id)
        self.forget()

    def forget(self) -> None:
        self.driver.calls.clear()
        self.nova.requests.clear()

    def start(self, operation: str, **options) -> None:
        if operation == "delete":
            self.kit.delete(self.id, **options)
        else:
            self.id = self.kit.create(self.volume_id)

    def assert_failed(self, operation: str, *hooks: str) -> None:
        """It failed after these hooks, and others may go on."""
        self.assertEqual(FAILED[operation], self.kit.status(self.id))
        self.assertEqual(list(hooks), self.driver.hooks)
        self.assertIsNone(self.kit.phase(self.id))
        self.assertEqual({}, self.kit.claims())
        heard = []
        while not self.kit.heard.empty():
            heard.append(self.kit.heard.get())
        self.assertIn(Settled(self.id, FAILED[operation]), heard)
