# SPDX-License-Identifier: Apache-2.0
"""What must be there before anything is judged."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

from assisted_kit.errors import AssistedKitError
from assisted_kit.process import execute
from assisted_kit.process import ProcessFailed

OLDEST_QEMU = (4, 2)
"""The first whose ``qemu-io`` writes a pattern from a file (``write -s``)."""

PROGRAMS = {
    "qemu-img": "qemu-utils",
    "qemu-io": "qemu-utils",
}
"""Each program that the kit starts, with the Debian package that has it."""


PACKAGES = ("assisted_kit", "conformance", "fakes", "reference_driver")
"""What the kit imports of its own."""


class MissingProgram(AssistedKitError):
    """A program that the kit needs is not there, or too old."""


class HiddenPackage(AssistedKitError):
    """A package of somebody else's has the name of one of the kit's."""


def check() -> None:
    """See that nothing that the kit itself needs is missing.

    :raises HiddenPackage: naming it, and the one that it hides.
    :raises MissingProgram: naming it, and the package that has it.
    """
    check_packages()
    check_programs()


def check_packages(*packages: str) -> None:
    """Import the kit's packages, or some of them, and see that they are.

    Once imported, nothing on ``sys.path`` can hide them.

    :raises HiddenPackage: naming the other, and what it hides.
    """
    root = Path(__file__).resolve().parent.parent
    for package in packages or PACKAGES:
        try:
            module = importlib.import_module(package)
            places = [*getattr(module, "__path__", ())]
            places.append(getattr(module, "__file__", None) or "built in")
            found = str(Path(places[0]).resolve())
        except Exception as error:
            spec = importlib.util.find_spec(package)
            where = spec.origin if spec else "nowhere"
            found = f"{where} and does not import ({error})"
        if found != str(root / package):
            raise HiddenPackage(
                f"the package {package} is {found}, where the kit needs its "
                f"own, {root / package}. Rename the other, or take its "
                f"directory off PYTHONPATH"
            )


def check_programs() -> None:
    """See that the programs are there and new enough.

    :raises MissingProgram: naming it, and the package that has it.
    """
    for program, package in PROGRAMS.items():
        try:
            output, _ = execute(program, "--version")
        except ProcessFailed as error:
            why = error.stderr.strip() or f"status {error.exit_code}"
            raise MissingProgram(
                f"{program} cannot be started: {why}. Install the package "
                f"{package}, and see that PATH names where it is"
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
