# SPDX-License-Identifier: Apache-2.0
"""What hooks must not do while they run."""

from __future__ import annotations

import ddt

from conformance.case import verifies
from conformance.hook_work import HookWork
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.watch import Sort


@expanded
class HookTest(HookWork):
    """Contract section 1."""

    @ddt.data(*GUESTS)
    @verifies("HKS-001")
    def test_no_hook_writes_the_database(self, guest: str) -> None:
        self.given_work_done(guest)
        self.claim_never(Sort.DATABASE)

    @ddt.data(*GUESTS)
    @verifies("HKS-002")
    def test_no_hook_calls_the_compute_service(self, guest: str) -> None:
        self.given_work_done(guest)
        self.claim_never(Sort.COMPUTE)

    @ddt.data(*GUESTS)
    @verifies("HKS-003")
    def test_no_hook_waits(self, guest: str) -> None:
        self.given_work_done(guest)
        self.claim_never(Sort.WAIT)

    @verifies("HKS-006")
    def test_no_hook_writes_an_open_image(self) -> None:
        self.given_work_done("attached")
        self.claim_never(Sort.LIVE_IMAGE)
