# SPDX-License-Identifier: Apache-2.0
"""The verbs of ``assisted-kit``: run, rules, explain."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from assisted_kit import preflight
from assisted_kit import suite
from assisted_kit.cli import rendering
from assisted_kit.errors import AssistedKitError
from assisted_kit.results import ExitStatus
from assisted_kit.results import RunResult
from assisted_kit.subject import UsageError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="assisted-kit")
def main() -> None:
    """Verify a Cinder volume driver's assisted snapshots.

    The verdict is by the assisted snapshot driver contract, version 1.
    """


@main.command()
@click.option(
    "--driver",
    metavar="MODULE:CLASS",
    help="The driver to verify; the reference driver without it.",
)
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    help="The configuration file of the driver under test.",
)
@click.option(
    "--rule",
    "rule_ids",
    metavar="ID",
    multiple=True,
    help="Verify this rule only; may be repeated.",
)
@click.option(
    "--json",
    "json_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the result to this file, '-' for standard output.",
)
def run(
    driver: str | None,
    config_file: str | None,
    rule_ids: tuple[str, ...],
    json_file: Path | None,
) -> None:
    """Put a driver before the suite.

    Exit status: 0 conformant, or everything selected passed; 1 a MUST rule
    failed; 2 wrong usage; 3 the kit could not run, or something that was
    selected did not run; 130 interrupted.
    """
    try:
        _check_writable(json_file)
        suite.select(rule_ids)
        preflight.check()
        result = suite.run(driver, config_file, rule_ids, _progress)
    except UsageError as error:
        _fail(str(error), ExitStatus.USAGE)
    except AssistedKitError as error:
        _fail(str(error), ExitStatus.NOT_RUN)
    _end_progress()
    _write(result, json_file)
    sys.exit(result.exit_status)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def rules(as_json: bool) -> None:
    """List the rules."""
    catalogue = suite.catalogue().values()
    if as_json:
        entries = [
            {
                "id": rule.id,
                "level": str(rule.level),
                "sentence": rule.sentence,
                "reason": rule.reason,
                "section": rule.section,
                "sources": list(rule.sources),
                "requires": [c.name for c in rule.requires],
            }
            for rule in catalogue
        ]
        click.echo(json.dumps(entries, indent=2))
        return
    for rule in catalogue:
        click.echo(f"{rule.id}  {rule.level!s:<6}  {rule.sentence}")


@main.command()
@click.argument("rule_id", metavar="ID")
def explain(rule_id: str) -> None:
    """Say what a rule claims, why, and where that is written."""
    try:
        (rule,) = suite.select([rule_id])
    except UsageError as error:
        _fail(str(error), ExitStatus.USAGE)
    click.echo(rendering.render_rule(rule))


def _check_writable(json_file: Path | None) -> None:
    """Find out before the run, not after it, that a result would be lost."""
    if json_file is None or str(json_file) == "-":
        return
    if not json_file.parent.is_dir():
        raise UsageError(
            f"--json {json_file}: there is no directory {json_file.parent}"
        )


def _write(result: RunResult, json_file: Path | None) -> None:
    to_stdout = json_file is not None and str(json_file) == "-"
    click.echo(rendering.render(result), err=to_stdout)
    if json_file is None:
        return
    try:
        if to_stdout:
            click.echo(result.as_json(), nl=False)
        else:
            json_file.write_text(result.as_json(), encoding="utf-8")
    except OSError as error:
        _fail(f"--json {json_file}: {error}", ExitStatus.NOT_RUN)


def _progress(over: int, collected: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{over} of {collected} tests ", nl=False, err=True)


def _end_progress() -> None:
    if sys.stderr.isatty():
        click.echo("\r" + " " * 32 + "\r", nl=False, err=True)


def _fail(message: str, status: ExitStatus) -> None:
    click.echo(f"assisted-kit: {message}", err=True)
    sys.exit(status)
