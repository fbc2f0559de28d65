# SPDX-License-Identifier: Apache-2.0
"""Whether a run has every combination, or the pairs of values only.

``--exhaustive`` of the command line is ``--assisted-exhaustive`` under pytest
and the environment variable ``ASSISTED_EXHAUSTIVE`` of every other runner.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from assisted_kit.settings import UsageError

EXHAUSTIVE_VARIABLE = "ASSISTED_EXHAUSTIVE"

_MEANT = {"": False, "0": False, "1": True}


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment asks for every combination.

    :raises UsageError: it says neither yes nor no.
    """
    said = environment.get(EXHAUSTIVE_VARIABLE, "")
    if said not in _MEANT:
        raise UsageError(
            f"{EXHAUSTIVE_VARIABLE} is {said!r}: set it to 1 for every "
            f"combination of the fault matrix, or to 0"
        )
    return _MEANT[said]
