# SPDX-License-Identifier: Apache-2.0
"""The README tells the truth."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from tests.command_line import assisted_kit_run

README = Path(__file__).parent.parent / "README.rst"


def block_after(text: str) -> str:
    """The indented block that follows ``text`` in the README."""
    following = README.read_text().split(text, 1)[1]
    lines = []
    for line in following.lstrip("\n").splitlines():
        if line and not line.startswith("    "):
            break
        lines.append(line)
    return textwrap.dedent("\n".join(lines)).strip() + "\n"


def without_ids(text: str) -> str:
    """``text`` with every UUID alike."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)


def test_twenty_line_driver_fails_as_it_says(tmp_path: Path) -> None:
    driver = block_after(".. code-block:: python\n")
    (tmp_path / "mydriver.py").write_text(driver)
    done = assisted_kit_run(
        tmp_path, "--driver", "mydriver:MyDriver", rules=("CRE-003",)
    )
    shown = block_after("--rule CRE-003`` says so::\n")
    assert done.exit_status == 1
    assert without_ids(done.output) == without_ids(shown)


def test_configuration_file_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "mydriver.py").write_text(
        block_after(".. code-block:: python\n")
    )
    share = tmp_path / "share"
    share.mkdir()
    config = block_after(".. code-block:: ini\n")
    config = config.replace("/mnt/share", str(share))
    config = config.replace("/var/tmp/cinder.sqlite", f"{tmp_path}/db")
    (tmp_path / "kit.conf").write_text(config)
    done = assisted_kit_run(
        tmp_path, "--config", "kit.conf", rules=("UPD-002",)
    )
    assert done.exit_status == 0, done.output + done.errors
    assert done.result is not None
    assert done.result["driver"] == "mydriver:MyDriver"
    assert list(share.iterdir()) == []
