# SPDX-License-Identifier: Apache-2.0
"""Bring the report up to date: ``python -m conformance.cinder_report``."""

from __future__ import annotations

import sys
import time
import warnings

import click

from conformance.cinder_report import page
from conformance.cinder_report.results import DRIVERS
from conformance.cinder_report.results import Results
from conformance.kill_matrix import digests
from conformance.kill_matrix.judging import judge
from conformance.kill_matrix.judging import NotJudged

PATIENCE = 30
"""Seconds: Cinder's LUKS images take long to make on a busy host."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--check",
    is_flag=True,
    help="Judge nothing and write nothing: say what is out of date.",
)
@click.option(
    "--driver",
    "names",
    metavar="NAME",
    multiple=True,
    help="Only this driver, by its class; may be repeated.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Begin with no other driver after so long.",
)
@click.option(
    "-n",
    "processes",
    metavar="N",
    default="2",
    show_default=True,
    help="As for 'assisted-kit run'.",
)
def main(
    check: bool,
    names: tuple[str, ...],
    minutes: float | None,
    processes: str,
) -> None:
    """Put Cinder's drivers before the rules that changed, or they did.

    Then the program of every finding is run, and the page is written.

    Exit status: 0 the page is as it should be, whatever is left to be judged;
    1 it differs, or a program shows nothing any more; 2 wrong usage; 3 the
    suite did not run.
    """
    warnings.simplefilter("ignore")
    if not page.FILE.parent.is_dir():
        raise click.UsageError(
            f"the page's directory {page.FILE.parent} does not exist: run it "
            f"in a checkout, by tox -e cinder-report"
        )
    results = Results.load()
    results.update(
        digests.of_rules(),
        {driver.name: driver.digest() for driver in DRIVERS},
    )
    known = {driver.name.partition(":")[2]: driver.name for driver in DRIVERS}
    for name in names:
        if name not in known:
            raise click.UsageError(
                f"there is no driver {name!r}: {', '.join(known)}"
            )
    if not check:
        _judge(
            results,
            [known[name] for name in names or known],
            processes,
            minutes,
        )
    _report(results, check)


def _judge(
    results: Results,
    names: list[str],
    processes: str,
    minutes: float | None,
) -> None:
    until = time.monotonic() + minutes * 60 if minutes else None
    for name in names:
        missing = results.missing(name)
        if not missing or (until is not None and time.monotonic() > until):
            continue
        try:
            found = judge(name, missing, processes, PATIENCE)
        except NotJudged as error:
            click.echo(f"cinder-report: {error}", err=True)
            sys.exit(3)
        results.drivers[name].statuses |= {
            rule: ended.status for rule, ended in found.items()
        }
        results.save()
        click.echo(f"{name}: {len(found)} rules")


def _report(results: Results, check: bool) -> None:
    # Here, since it imports Cinder, and judging is done without.
    from conformance.cinder_report import programs
    from conformance.cinder_report.findings import ALL

    for name in results.drivers:
        if missing := results.missing(name):
            click.echo(f"{name}: {len(missing)} rules are left")
    text = page.page(results, ALL)
    if check:
        if not page.FILE.exists() or page.FILE.read_text() != text:
            click.echo(f"{page.FILE.name} is not what would be written")
            sys.exit(1)
        return
    results.save()
    page.FILE.write_text(text)
    mended = [
        f"the program {name} shows nothing of {driver} any more"
        for name, seen in programs.run([]).items()
        for driver, symptom in seen.items()
        if symptom is None
    ]
    for line in mended:
        click.echo(line)
    if mended:
        sys.exit(1)


if __name__ == "__main__":
    main()
