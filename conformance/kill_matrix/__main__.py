# SPDX-License-Identifier: Apache-2.0
"""Bring the kill matrix up to date: ``python -m conformance.kill_matrix``."""

from __future__ import annotations

import sys
import time

import click

from conformance.kill_matrix import digests
from conformance.kill_matrix import page
from conformance.kill_matrix.judging import judge
from conformance.kill_matrix.judging import NotJudged
from conformance.kill_matrix.matrix import Matrix


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--all", "anew", is_flag=True, help="Judge everything anew, for hours."
)
@click.option(
    "--driver",
    "names",
    metavar="NAME",
    multiple=True,
    help="Only this broken driver, by its class; may be repeated.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Begin with no other driver after so long; the rest is for the next "
    "call.",
)
@click.option(
    "-n",
    "processes",
    metavar="N",
    default="auto",
    show_default=True,
    help="As for 'assisted-kit run'.",
)
def main(
    anew: bool, names: tuple[str, ...], minutes: float | None, processes: str
) -> None:
    """Put the broken drivers before the rules that changed, or they did.

    After each driver the matrix and its page are written, so it may be
    interrupted.

    Exit status: 0 the matrix is up to date; 1 something is left; 2 wrong
    usage; 3 the suite did not run.
    """
    matrix = Matrix.load()
    matrix.update(digests.of_rules(), digests.of_drivers())
    known = {name.partition(":")[2]: name for name in matrix.rows}
    for name in names:
        if name not in known:
            raise click.UsageError(f"there is no broken driver {name!r}")
    chosen = [known[name] for name in names or known]
    if anew:
        for name in chosen:
            matrix.rows[name].stale = set(matrix.rules)
    left = [name for name in chosen if matrix.rows[name].stale]
    began = time.monotonic()
    for number, name in enumerate(left, 1):
        if minutes and time.monotonic() - began > minutes * 60:
            break
        row = matrix.rows[name]
        click.echo(f"{number}/{len(left)} {name}: {len(row.stale)} rules")
        try:
            row.judged(judge(name, row.stale, processes))
        except NotJudged as error:
            click.echo(f"kill-matrix: {error}", err=True)
            sys.exit(3)
        _write(matrix)
    _write(matrix)
    if rest := matrix.out_of_date():
        click.echo(f"left: {len(rest)} drivers")
        sys.exit(1)


def _write(matrix: Matrix) -> None:
    matrix.save()
    page.FILE.write_text(page.page(matrix))


if __name__ == "__main__":
    main()
