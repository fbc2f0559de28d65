# SPDX-License-Identifier: Apache-2.0
"""The documentation can be built, and has what is generated for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conformance.catalogue import RULES

DOCS = Path(__file__).parent.parent / "docs"


def test_every_page_is_built_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"),
            *("-b", "html", str(DOCS), str(tmp_path / "html")),
            *("-d", str(tmp_path / "trees")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    rules = (tmp_path / "html" / "rules.html").read_text()
    assert [rule.id for rule in RULES if rule.id not in rules] == []
