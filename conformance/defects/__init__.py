# SPDX-License-Identifier: Apache-2.0
"""The defects that the field has had, 2013 to 2026, and their rules.

A module for each subject.  A rule cites the defects that it is there for
(``sources``); this is the same seen from the defects, so that none is
forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping

from conformance.defects import chains
from conformance.defects import compute
from conformance.defects import concurrency
from conformance.defects import connections
from conformance.defects import interface
from conformance.defects import records
from conformance.defects import reports
from conformance.defects import security
from conformance.defects import unfixed
from conformance.defects.defect import Defect as Defect

BY_SUBJECT: Mapping[str, tuple[Defect, ...]] = {
    "Chains, and which file is touched": chains.DEFECTS,
    "Info files and formats": records.DEFECTS,
    "Connections and attachments": connections.DEFECTS,
    "Reports, waits and the API": reports.DEFECTS,
    "Locks, and statuses that keep others out": concurrency.DEFECTS,
    "The interface, permissions and encryption": interface.DEFECTS,
    "The compute service": compute.DEFECTS,
    "Security": security.DEFECTS,
    "In Cinder 29 still": unfixed.DEFECTS,
}

DEFECTS: tuple[Defect, ...] = tuple(
    defect for defects in BY_SUBJECT.values() for defect in defects
)
"""Every defect."""
