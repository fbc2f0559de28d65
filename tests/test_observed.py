# SPDX-License-Identifier: Apache-2.0
"""What a failure's message shows of a hook."""

from __future__ import annotations

from pathlib import Path

import pytest

from assisted_kit.driver import Hook
from conformance.journal import HookCall
from conformance.observed import raised_by
from tests.warm_runs import WarmRuns


def test_credentials_are_hidden() -> None:
    update = {"provider_auth": "CHAP user s3cret", "provider_id": "7"}
    shown = str(HookCall(Hook.CREATE_BEGIN, "s", True, update))
    assert "s3cret" not in shown
    assert "'provider_id': '7'" in shown


def test_what_a_driver_raises_is_the_rules_failure(
    tmp_path: Path, warm_runs: WarmRuns
) -> None:
    done = warm_runs.run(
        tmp_path,
        *("--driver", "fakes.broken.abilities:ForgetsFormatOfCopies"),
        rules=("ABL-005",),
    )
    assert done.statuses == {"ABL-005": "failed"}
    assert "expected        initialize_connection returns" in done.output
    assert "observed        it raises ForeignImage" in done.output


def test_what_a_driver_raised_is_told_from_other_errors() -> None:
    with pytest.raises(KeyError) as caught:
        {}["key"]
    assert raised_by(caught.value) is None
