# SPDX-License-Identifier: Apache-2.0
"""What is made once for all test modules."""

from __future__ import annotations

import pytest
from cinder_process import CinderProcess


@pytest.fixture(scope="session")
def cinder(tmp_path_factory):
    """A process of Cinder's own; it starts with the first test for it."""
    process = CinderProcess(tmp_path_factory.mktemp("cinder"))
    yield process
    process.close()
