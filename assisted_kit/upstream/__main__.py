# SPDX-License-Identifier: Apache-2.0
"""Take fingerprints anew: ``python -m assisted_kit.upstream``.

For whoever has gone through the rules with a new release.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from assisted_kit.upstream import doctor
from assisted_kit.upstream.fingerprints import NotInstalled


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("package", type=click.Choice(["cinder", "nova"]))
@click.argument(
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.argument("version")
def main(package: str, directory: Path, version: str) -> None:
    """Record VERSION of a PACKAGE, whose source is in DIRECTORY.

    Exit status: 0 done; 1 something that a rule rests on is not there; 2
    wrong usage.
    """
    try:
        doctor.record(package, directory, version)
    except NotInstalled as error:
        click.echo(f"nothing is recorded: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
