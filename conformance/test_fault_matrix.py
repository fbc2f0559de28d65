# SPDX-License-Identifier: Apache-2.0
"""Whatever goes wrong with an operation, and whatever it goes wrong with."""

from __future__ import annotations

import ddt

from conformance.case import verifies
from conformance.faults.aftermath import Aftermath
from conformance.faults.aftermath import FaultTest
from conformance.faults.selection import rows
from conformance.rows import expanded
from conformance.rows import Row


@expanded
class FaultMatrixTest(FaultTest):
    """Contract section 5, each row of it and the rule above all others."""

    @ddt.data(*rows("FLT-001"))
    @verifies("FLT-001")
    def test_it_ends_as_the_table_says(self, row: Row) -> None:
        self.after(row, self.claim_end, writes=False)

    @ddt.data(*rows("FLT-002"))
    @verifies("FLT-002")
    def test_every_byte_is_readable(self, row: Row) -> None:
        def claim(aftermath: Aftermath) -> None:
            self.claim_everything_reads_back()
            if aftermath.guest_is_right:
                self.claim_live_guest_reads_back()
            self.claim_goes_well("starting a guest", aftermath.restart_guest)
            aftermath.volume.write()
            self.claim_everything_reads_back()

        self.after(row, claim)

    @ddt.data(*rows("FLT-003"))
    @verifies("FLT-003")
    def test_chain_on_disk_is_the_guests(self, row: Row) -> None:
        def claim(aftermath: Aftermath) -> None:
            if aftermath.guest_is_right and not aftermath.is_work_broken_off:
                self.claim_chain_is_live()
            self.claim_goes_well("starting a guest", aftermath.restart_guest)
            self.claim_chain_is_live()

        self.after(row, claim, writes=False)

    @ddt.data(*rows("FLT-004"))
    @verifies("FLT-004")
    def test_nothing_is_left_and_a_retry_works(self, row: Row) -> None:
        def claim(aftermath: Aftermath) -> None:
            aftermath.prepare_clean_up()
            aftermath.delete()
            self.claim_no_orphans()
            aftermath.repeat()
            self.claim_no_orphans()
            self.claim_everything_reads_back()

        self.after(row, claim)
