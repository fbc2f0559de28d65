# SPDX-License-Identifier: Apache-2.0
"""A ``qemu-img`` that is killed or hangs, at one of its calls."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from conformance.scripted_qemu_img import ScriptedQemuImg

_SCRIPT = """\
#!/bin/sh
# Each call adds a line, so that their number tells which one this is.
echo >> '{calls}'
if [ "$(wc -l < '{calls}')" -ne {failing} ]; then
    exec '{qemu_img}' "$@"
fi
{fate}
"""

_KILLED = """\
'{qemu_img}' "$@" &
# Whether it is half-way through or at its end is for the machine to say.
kill -KILL $!
wait $!
kill -KILL $$"""

_HANGS = """\
echo $$ > '{hanging}'
# Nobody ever writes there.
read nothing < '{nothing}'"""


class _AtOneCall(ScriptedQemuImg):
    """Something happens to one call, the first one being 1."""

    fate = ""

    def __init__(self, call: int) -> None:
        self._call = call

    def script(self, qemu_img: str, directory: Path) -> str:
        fate = self.fate.format(
            qemu_img=qemu_img,
            hanging=directory / "hanging",
            nothing=directory / "nothing",
        )
        return _SCRIPT.format(
            calls=directory / "calls",
            failing=self._call,
            qemu_img=qemu_img,
            fate=fate,
        )


class KilledQemuImg(_AtOneCall):
    """One call is killed, and its starter with it."""

    fate = _KILLED


class HangingQemuImg(_AtOneCall):
    """One call hangs, until an administrator ends it."""

    fate = _HANGS

    def script(self, qemu_img: str, directory: Path) -> str:
        """The script, and whoever ends it as soon as it hangs."""
        for name in ("hanging", "nothing"):
            os.mkfifo(directory / name)
            # A driver's commands may run as another user.
            (directory / name).chmod(0o666)
        # Both ends of it, so that opening it waits for nobody.
        said = os.open(directory / "hanging", os.O_RDWR)
        administrator = threading.Thread(
            target=_end_hanging, args=(said,), name="administrator"
        )
        administrator.start()
        self.addCleanup(os.close, said)
        self.addCleanup(administrator.join)
        self.addCleanup(os.write, said, b"0")
        return super().script(qemu_img, directory)


def _end_hanging(said: int) -> None:
    """End the process that says its id, or none if that is 0."""
    number = int(os.read(said, 32))
    if number:
        os.kill(number, signal.SIGTERM)
