# SPDX-License-Identifier: Apache-2.0
"""Drivers that are deliberately broken: each one defect of the field.

They prove the judge: every rule of the suite is failed by one of them.  The
defects are named after those that Cinder's drivers have had.
"""

from __future__ import annotations

from dataclasses import dataclass

from fakes.broken import connections
from fakes.broken import creates
from fakes.broken import deletes
from fakes.broken import interface
from fakes.broken import merges
from fakes.broken import requests
from fakes.broken import trust
from reference_driver.driver import RemoteFSAssistedDriver


@dataclass(frozen=True, slots=True)
class BrokenDriver:
    """A broken driver and the rules that it breaks."""

    driver: type[RemoteFSAssistedDriver]
    rules: tuple[str, ...]
    sources: tuple[str, ...] = ()
    """Where the field had this defect."""

    @property
    def name(self) -> str:
        """``module:Class``."""
        return f"{self.driver.__module__}:{self.driver.__name__}"


BROKEN: tuple[BrokenDriver, ...] = (
    BrokenDriver(
        interface.TakesContext, ("SIG-001",), ("bug 2042102", "bug 1437290")
    ),
    BrokenDriver(interface.SaysYes, ("SIG-002",)),
    BrokenDriver(
        requests.ReturnsNothing, ("UPD-002",), ("bug 1437271", "bug 1441050")
    ),
    BrokenDriver(requests.SetsStatus, ("UPD-001",)),
    BrokenDriver(requests.NamesPath, ("UPD-001",), ("bug 1885528",)),
    BrokenDriver(
        requests.DecidesByStatus, ("UPD-002",), ("commit fb48a1fe6",)
    ),
    BrokenDriver(requests.PutsOverlayElsewhere, ("UPD-003",)),
    BrokenDriver(
        requests.CommitsIntoBase, ("UPD-004", "DAT-003"), ("bug 1468445",)
    ),
    BrokenDriver(requests.PullsTooLittle, ("UPD-005",), ("bug 1262880",)),
    BrokenDriver(requests.AsksWithoutGuest, ("UPD-006",)),
    BrokenDriver(
        creates.NamesBackingByPath,
        ("CRE-001",),
        ("bug 1438027", "bug 2119353"),
    ),
    BrokenDriver(creates.OneSectorShort, ("CRE-001", "DAT-001")),
    BrokenDriver(creates.ProbesFormat, ("CRE-002",), ("bug 2073146",)),
    BrokenDriver(creates.RefusesLeftovers, ("CRE-004",), ("bug 1657585",)),
    BrokenDriver(creates.MakesOverlayAnew, ("CRE-005",)),
    BrokenDriver(creates.ForksChain, ("DAT-001",), ("bug 1251425",)),
    BrokenDriver(creates.ForgetsFormats, ("DAT-004",), ("commit 8c03308ed",)),
    BrokenDriver(creates.RecordsInBegin, ("ERR-002",), ("bug 1713735",)),
    BrokenDriver(creates.TakesFirstAttachment, ("ERR-001",), ("bug 1528548",)),
    BrokenDriver(creates.IgnoresPending, ("ERR-006",)),
    BrokenDriver(
        connections.StaleConnection,
        ("CRE-003",),
        ("bug 1860913", "bug 1989514"),
    ),
    BrokenDriver(connections.ForgetsPending, ("ERR-004",), ("bug 1310526",)),
    BrokenDriver(connections.CopiesActive, ("DAT-005",), ("bug 1222907",)),
    BrokenDriver(deletes.NeedsRecord, ("DEL-001",), ("bug 1252864",)),
    BrokenDriver(deletes.LeavesFile, ("DEL-002",), ("bug 1300303",)),
    BrokenDriver(
        deletes.BelievesReport,
        ("DEL-003", "DEL-006"),
        ("bug 1530275", "bug 1627134", "bug 1643017"),
    ),
    BrokenDriver(deletes.CompletesOnce, ("DEL-004",), ("bug 1586604",)),
    BrokenDriver(deletes.AsksAgain, ("DEL-005",), ("bug 1311182",)),
    BrokenDriver(deletes.RecordsBeforeReport, ("ERR-003",), ("bug 1919487",)),
    BrokenDriver(deletes.RemovesPending, ("ERR-005",)),
    BrokenDriver(merges.CommitsOverlayAbove, ("DAT-002",), ("bug 1468445",)),
    BrokenDriver(merges.StopsAtSixteen, ("DAT-002",), ("bug 1646181",)),
    BrokenDriver(merges.ForgetsPulled, ("DAT-003",), ("bug 1262880",)),
    BrokenDriver(
        trust.TrustsHeaders, ("SEC-001",), ("CVE-2014-3641", "bug 1350504")
    ),
    BrokenDriver(trust.TrustsInfoFile, ("SEC-002",)),
    BrokenDriver(
        trust.TakesDamageForNothing, ("SEC-003",), ("commit 792da5dbb",)
    ),
)
"""Every broken driver, with the rules that it breaks."""
