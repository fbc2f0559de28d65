# SPDX-License-Identifier: Apache-2.0
"""The dossier of a failure: a folder with all that is known about it.

``dossier.txt`` is for a reader, ``dossier.json`` for a program.  They are
made where a folder was asked for, below it by rule and test.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assisted_kit.subject import DOSSIER_VARIABLE
from conformance import causes
from conformance import timeline
from conformance.causes import Cause
from conformance.violation import Finding
from conformance.violation import in_short
from conformance.violation import retell
from conformance.ways import way_of

TEXT = "dossier.txt"
DATA = "dossier.json"

_SUITE = "conformance."


def write(
    finding: Finding,
    test: str,
    driver: str,
    redacted: Callable[[str], str],
) -> str:
    """Write a dossier if dossiers are wanted.

    :param test: its full name.
    :param driver: ``module:Class``.
    :param redacted: takes the secrets out of a text.
    :returns: the folder; empty if none is wanted, and why there is none if
        it cannot be written.  The failure is more important than that.
    """
    wanted = os.environ.get(DOSSIER_VARIABLE)
    if not wanted:
        return ""
    folder = Path(wanted, finding.rule.id, test.removeprefix(_SUITE))
    way = way_of(test, in_short(finding, redacted))
    likely = causes.likely(finding.rule, way)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = redacted(retell(finding, causes.listed(likely)))
        (folder / TEXT).write_text(f"{text}\n", encoding="utf-8")
        said = json.dumps(_data(finding, test, driver, likely), indent=2)
        (folder / DATA).write_text(f"{redacted(said)}\n", encoding="utf-8")
    except OSError as error:
        return f"it cannot be written: {error}"
    return str(folder)


def _data(
    finding: Finding, test: str, driver: str, likely: Sequence[Cause]
) -> dict[str, Any]:
    rule, evidence = finding.rule, finding.evidence
    moments = timeline.shortened(evidence.timeline, evidence.names)
    times = timeline.milliseconds(moments)
    return {
        "rule": rule.id,
        "level": str(rule.level),
        "driver": driver,
        "test": test,
        "expected": finding.expected,
        "observed": finding.observed,
        "chain_before": evidence.chain_before,
        "chain_after": evidence.chain_after,
        "likely_causes": [
            {"defect": cause.defect, "failing": cause.failing}
            for cause in likely
        ],
        "timeline": [
            {"ms": at, "side": str(moment.side), "what": moment.what}
            for at, moment in zip(times, moments, strict=True)
        ],
        "traceback": evidence.traceback,
        "names": {s: long for long, s in evidence.names.items()},
        "repeat": finding.repeat,
    }
