# SPDX-License-Identifier: Apache-2.0
"""A ``qemu-img`` that fails, for drivers that the kit has never seen."""

from __future__ import annotations

from pathlib import Path

from conformance.scripted_qemu_img import ScriptedQemuImg

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


class FailingQemuImg(ScriptedQemuImg):
    """Puts a ``qemu-img`` first in PATH of which one call fails.

    :param call: which call fails, the first one being 1.
    :param late: it has done its work by then.
    """

    def __init__(self, call: int, *, late: bool = False) -> None:
        self._call = call
        self._late = late

    def script(self, qemu_img: str, directory: Path) -> str:
        return _SCRIPT.format(
            calls=directory / "calls",
            failing=self._call,
            qemu_img=qemu_img,
            before=f"'{qemu_img}' \"$@\"" if self._late else "",
        )
