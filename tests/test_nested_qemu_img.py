# SPDX-License-Identifier: Apache-2.0
"""The ``qemu-img`` that scripts start."""

from __future__ import annotations

import subprocess
from pathlib import Path

from conformance.nested_qemu_img import NestedQemuImg


def test_what_a_script_asks_is_told(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('qemu-img create -q -f raw "$1" 1M\nqemu-img --help\n')
    image = tmp_path / "an image"
    with NestedQemuImg() as nested:
        subprocess.run(
            ["sh", str(script), str(image)], check=True, capture_output=True
        )
        first, second = nested.commands()
    assert image.stat().st_size == 1024**2
    assert first.words == (
        *("qemu-img", "create", "-q", "-f", "raw"),
        *(str(image), "1M"),
    )
    assert first.starter == f"sh {script} {image}"
    assert second.words == ("qemu-img", "--help")


def test_what_this_process_asks_is_told_elsewhere() -> None:
    with NestedQemuImg() as nested:
        subprocess.run(
            ["env", "LC_ALL=C", "qemu-img", "--help"],
            check=True,
            capture_output=True,
        )
        assert nested.commands() == []
