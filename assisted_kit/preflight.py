# SPDX-License-Identifier: Apache-2.0
"""What must be there before anything is judged."""

from __future__ import annotations

import re

from assisted_kit.errors import AssistedKitError
from assisted_kit.process import execute
from assisted_kit.process import ProcessFailed

OLDEST_QEMU = (4, 2)
"""The first whose ``qemu-io`` writes a pattern from a file (``write -s``)."""

PROGRAMS = {
    "qemu-img": "qemu-utils",
    "qemu-io": "qemu-utils",
    "prlimit": "util-linux",
}
"""Each program that the kit starts, with the Debian package that has it."""


class MissingProgram(AssistedKitError):
    """A program that the kit needs is not there, or too old."""


def check() -> None:
    """See that the programs are there and new enough.

    :raises MissingProgram: naming it, and the package that has it.
    """
    for program, package in PROGRAMS.items():
        try:
            output, _ = execute(program, "--version")
        except ProcessFailed as error:
            raise MissingProgram(
                f"{program} cannot be started: {error.stderr.strip()}. "
                f"Install the package {package}"
            ) from error
        if program.startswith("qemu"):
            _check_version(program, output, package)


def _check_version(program: str, output: str, package: str) -> None:
    found = re.search(r"version (\d+)\.(\d+)", output)
    if found is None:
        raise MissingProgram(
            f"{program} --version says {output.splitlines()[:1]}, which is "
            f"no version"
        )
    version = int(found[1]), int(found[2])
    if version < OLDEST_QEMU:
        oldest = ".".join(map(str, OLDEST_QEMU))
        raise MissingProgram(
            f"{program} is version {'.'.join(map(str, version))}; the kit "
            f"needs {oldest} or newer. Upgrade the package {package}"
        )
