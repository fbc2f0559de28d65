# SPDX-License-Identifier: Apache-2.0
"""A ``qemu-img`` that fails, for drivers that the kit has never seen."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import fixtures

_SCRIPT = """\
#!/bin/sh
# Each call adds a line, so that their number tells which one this is.
echo >> '{calls}'
if [ "$(wc -l < '{calls}')" -ne {failing} ]; then
    exec '{qemu_img}' "$@"
fi
{before}
echo 'qemu-img: Input/output error' >&2
exit 1
"""


class FailingQemuImg(fixtures.Fixture):
    """Puts a ``qemu-img`` first in PATH of which one call fails.

    :param call: which call fails, the first one being 1.
    :param late: it has done its work by then.
    """

    def __init__(self, call: int, *, late: bool = False) -> None:
        self._call = call
        self._late = late

    def _setUp(self) -> None:
        found = shutil.which("qemu-img")
        assert found is not None, "there is no qemu-img"
        directory = Path(self.useFixture(fixtures.TempDir()).path)
        script = directory / "qemu-img"
        script.write_text(
            _SCRIPT.format(
                calls=directory / "calls",
                failing=self._call,
                qemu_img=found,
                before=f"'{found}' \"$@\"" if self._late else "",
            )
        )
        script.chmod(0o755)
        # Only PATH leads to it, whether the driver starts commands through
        # execute or by itself.
        path = f"{directory}:{os.environ.get('PATH', os.defpath)}"
        self.useFixture(fixtures.EnvironmentVariable("PATH", path))
