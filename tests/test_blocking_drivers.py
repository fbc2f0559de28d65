# SPDX-License-Identifier: Apache-2.0
"""Drivers with the hooks that call them by themselves, before the suite."""

from __future__ import annotations

import pytest
from cinder_database import needs_cinder

from tests.command_line import assisted_kit_run

pytestmark = needs_cinder

DRIVERS = ("BlockingNfsDriver", "BlockingRemoteFSDriver")

SAMPLE = ("CRE-002", "DEL-003", "ERR-003")
"""What shows that Nova is told, waited for, and heard, and that what is kept
of a snapshot is enough for the next operation."""


@pytest.mark.parametrize("driver", DRIVERS)
def test_it_is_a_legacy_driver_that_passes(driver, tmp_path):
    name = f"reference_driver.blocking:{driver}"
    done = assisted_kit_run(tmp_path, "--driver", name, rules=SAMPLE)
    assert done.exit_status == 0, done.output + done.errors
    assert "profile: legacy" in done.output
