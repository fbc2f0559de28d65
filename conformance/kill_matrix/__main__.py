# SPDX-License-Identifier: Apache-2.0
"""Bring the kill matrix up to date: ``python -m conformance.kill_matrix``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent import futures

import click

from conformance.kill_matrix import digests
from conformance.kill_matrix import page
from conformance.kill_matrix.judging import judge
from conformance.kill_matrix.judging import NotJudged
from conformance.kill_matrix.matrix import Ended
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
    default="2",
    show_default=True,
    help="For each driver, as for 'assisted-kit run'.",
)
@click.option(
    "--at-once",
    type=click.IntRange(min=1),
    default=os.cpu_count,
    show_default="a driver a core",
    help="How many drivers are judged at the same time.",
)
def main(
    anew: bool,
    names: tuple[str, ...],
    minutes: float | None,
    processes: str,
    at_once: int,
) -> None:
    """Put the broken drivers before the rules that changed, or they did.

    After each driver the matrix and its page are written, so it may be
    interrupted.

    Exit status: 0 the matrix is up to date; 1 something is left; 2 wrong
    usage; 3 the suite did not run.
    """
    if not page.FILE.parent.is_dir():
        raise click.UsageError(
            f"the page's directory {page.FILE.parent} does not exist: run it "
            f"in a checkout, by tox -e kill-matrix"
        )
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
    until = time.monotonic() + minutes * 60 if minutes else None
    try:
        judged = _judged(matrix, left, processes, at_once, until)
        for number, (name, endings) in enumerate(judged, 1):
            matrix.rows[name].judged(endings)
            _write(matrix)
            click.echo(f"{number}/{len(left)} {name}: {len(endings)} rules")
    except NotJudged as error:
        click.echo(f"kill-matrix: {error}", err=True)
        sys.exit(3)
    _write(matrix)
    if rest := matrix.out_of_date():
        click.echo(f"left: {len(rest)} drivers")
        sys.exit(1)


def _judged(
    matrix: Matrix,
    names: Sequence[str],
    processes: str,
    at_once: int,
    until: float | None,
) -> Iterator[tuple[str, dict[str, Ended]]]:
    """How the stale rules ended on each driver, as drivers are judged.

    :param until: when none is begun any more, as ``time.monotonic``.
    :raises NotJudged: the suite did not run on one of them.
    """

    def judged(name: str) -> tuple[str, dict[str, Ended]] | None:
        if until is not None and time.monotonic() > until:
            return None
        return name, judge(name, matrix.rows[name].stale, processes)

    # Drivers that keep others waiting leave the cores to those beside them.
    pool = futures.ThreadPoolExecutor(at_once)
    try:
        begun = [pool.submit(judged, name) for name in names]
        for future in futures.as_completed(begun):
            if found := future.result():
                yield found
    finally:
        pool.shutdown(cancel_futures=True)


def _write(matrix: Matrix) -> None:
    matrix.save()
    page.FILE.write_text(page.page(matrix))


if __name__ == "__main__":
    main()
