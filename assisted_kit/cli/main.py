# SPDX-License-Identifier: Apache-2.0
"""The verbs of ``assisted-kit``: run, rules, explain, doctor."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from assisted_kit import backends
from assisted_kit import dossiers
from assisted_kit import exploration
from assisted_kit import junit
from assisted_kit import settings
from assisted_kit import suite
from assisted_kit.cli import rendering
from assisted_kit.errors import AssistedKitError
from assisted_kit.results import as_json
from assisted_kit.results import ExitStatus
from assisted_kit.results import RunResult
from assisted_kit.run_options import RunOptions
from assisted_kit.subject import UsageError


class OutputError(AssistedKitError):
    """What the user asked for cannot be written."""


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
    "--config-file",
    "cinder_conf",
    metavar="CINDER_CONF",
    help="A cinder.conf, whose back ends are verified as configured.",
)
@click.option(
    "--backend",
    "names",
    metavar="SECTION",
    multiple=True,
    help="Of its back ends only this one; may be repeated.",
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
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write the result to this file, '-' for standard output.",
)
@click.option(
    "--junit",
    "junit_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write the result as JUnit XML to this file, or to '-'.",
)
@click.option(
    "--dossier",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write all that is known about each failure below this folder.",
)
@click.option(
    "-n",
    "processes",
    metavar="N",
    default="1",
    help="Spread the tests over so many processes; 'auto': two a core.",
)
@click.option(
    "--exhaustive",
    is_flag=True,
    help="Run every combination of the fault matrix, not only every pair; "
    "this takes a quarter of an hour or more.",
)
@click.option(
    "--seed",
    metavar="N",
    help="Where the state machine begins; the same one repeats a run.",
)
@click.option(
    "--examples",
    metavar="N",
    help="Have the state machine try so many programs of "
    f"{exploration.LONG_STEPS} steps.",
)
def run(
    driver: str | None,
    config_file: str | None,
    cinder_conf: str | None,
    names: tuple[str, ...],
    rule_ids: tuple[str, ...],
    json_file: Path | None,
    junit_file: Path | None,
    dossier: Path | None,
    processes: str,
    exhaustive: bool,
    seed: str | None,
    examples: str | None,
) -> None:
    """Put a driver before the suite, or each back end of a cinder.conf.

    Of several back ends the worst exit status counts.

    Exit status: 0 conformant, or everything selected passed; 1 a MUST rule
    failed; 2 wrong usage; 3 the kit could not run, or something that was
    selected did not run; 130 interrupted.
    """
    with _errors_explained():
        suite.select(rule_ids)
        outputs = _outputs({"--json": json_file, "--junit": junit_file})
        number = _number(processes)
        if dossier is not None:
            dossiers.prepare("--dossier", str(dossier))
        options = RunOptions(
            dossier, exhaustive, exploration.said(seed, examples)
        )
        results: dict[str | None, RunResult] = {}
        for name, file in _configured(config_file, cinder_conf, names):
            results[name] = suite.run(
                driver, file, rule_ids, _progress, number, options
            )
            _end_progress()
            if results[name].exit_status is ExitStatus.INTERRUPTED:
                break
        # The files first: whoever reads the text may stop reading it.
        for output in outputs:
            output.write(results)
        to_stderr = any(output.is_stdout for output in outputs)
        for name, result in results.items():
            _show(name, result, to_stderr)
        _exit(max(result.exit_status for result in results.values()))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def rules(as_json: bool) -> None:
    """List the rules."""
    with _errors_explained():
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
                    "profiles": [str(p) for p in rule.profiles],
                }
                for rule in catalogue
            ]
            _echo(json.dumps(entries, indent=2))
        else:
            for rule in catalogue:
                _echo(f"{rule.id}  {rule.level!s:<6}  {rule.sentence}")
        _exit(ExitStatus.PASSED)


@main.command()
@click.argument("rule_id", metavar="ID")
def explain(rule_id: str) -> None:
    """Say what a rule claims, why, and where that is written."""
    with _errors_explained():
        (rule,) = suite.select([rule_id])
        _echo(rendering.render_rule(rule, rendering.width()))
        _exit(ExitStatus.PASSED)


@main.command()
@click.option(
    "--cinder",
    is_flag=True,
    required=True,
    help="Look at the installed Cinder, and at Nova if it is installed.",
)
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def doctor(cinder: bool, as_json: bool) -> None:
    """Say what has changed upstream that the rules rest on.

    \b
    Exit status: 0 nothing has; 1 something has; 3 Cinder is not installed.
    """
    # What reads source is not needed by the other verbs.
    from assisted_kit.upstream import doctor as doctors

    with _errors_explained():
        found = doctors.diagnose_all()
        if as_json:
            _echo(json.dumps(doctors.as_dict(found), indent=2))
        else:
            for line in doctors.lines(found):
                _echo(line)
        differ = any(diagnosis.differences for diagnosis in found.values())
        _exit(ExitStatus.FAILED if differ else ExitStatus.PASSED)


def _configured(
    config_file: str | None, cinder_conf: str | None, names: Sequence[str]
) -> list[tuple[str | None, str | None]]:
    """What is to be verified: back ends, each with its configuration.

    :raises UsageError: they are not named, or cannot be read.
    """
    if cinder_conf is None:
        if names:
            raise UsageError(
                "--backend names a section of a cinder.conf, which is named "
                "by --config-file"
            )
        return [(None, config_file)]
    if config_file is not None:
        raise UsageError("--config and --config-file exclude each other")
    try:
        chosen = list(dict.fromkeys(names)) or backends.enabled(cinder_conf)
    except backends.BackendError as error:
        raise UsageError(str(error)) from error
    files = [backends.written(cinder_conf, name) for name in chosen]
    for file in files:
        # All of them, before the first one is run.
        settings.read(file)
    return list(zip(chosen, files, strict=True))


def _show(name: str | None, result: RunResult, to_stderr: bool) -> None:
    if name is not None:
        _echo(f"[{name}]", err=to_stderr)
    if result.began:
        _echo(rendering.render(result, rendering.width()), err=to_stderr)
    else:
        for message in result.trouble or ("interrupted",):
            _echo(f"assisted-kit: {message}", err=True)


@contextmanager
def _errors_explained() -> Iterator[None]:
    """One message and the right exit status, whatever goes wrong."""
    try:
        yield
    except UsageError as error:
        _fail(str(error), ExitStatus.USAGE)
    except AssistedKitError as error:
        _fail(str(error), ExitStatus.NOT_RUN)
    except KeyboardInterrupt:
        _fail("interrupted", ExitStatus.INTERRUPTED)
    except Exception:
        _fail(
            f"a defect of the kit's:\n{traceback.format_exc()}",
            ExitStatus.NOT_RUN,
        )


def _number(processes: str) -> int:
    """How many processes the user wants.

    :raises UsageError: that is no number of processes.
    """
    if processes == "auto":
        # Tests wait for disks about as long as they compute.
        return 2 * len(os.sched_getaffinity(0))
    if not (processes.isascii() and processes.isdigit() and int(processes)):
        raise UsageError(
            f"-n {processes}: write a number of processes, or auto"
        )
    return int(processes)


@dataclass(frozen=True, slots=True)
class _Output:
    """A file that the user wants to have."""

    option: str
    file: Path

    @property
    def is_stdout(self) -> bool:
        return str(self.file) == "-"

    def check(self) -> None:
        """Find out before the run, not after it, that it would be lost.

        :raises UsageError: the file cannot be written.
        """
        if self.is_stdout:
            return
        try:
            there = self.file.exists()
            if there and not self.file.is_file():
                # Opening a pipe would wait for whoever reads it.
                return
            with self.file.open("a"):
                pass
            if not there:
                self.file.unlink()
        except OSError as error:
            raise UsageError(
                f"{self.option} {self.file} cannot be written: "
                f"{error.strerror}"
            ) from error

    def write(self, results: Mapping[str | None, RunResult]) -> None:
        make = {"--json": as_json, "--junit": junit.render}
        text = make[self.option](results)
        if self.is_stdout:
            _echo(text, nl=False)
            return
        try:
            self.file.write_text(text, encoding="utf-8")
        except OSError as error:
            # It is not to be lost for that.
            _echo(text, nl=False)
            _fail(
                f"{self.option} {self.file} cannot be written: {error}; the "
                f"result is on standard output",
                ExitStatus.NOT_RUN,
            )


def _outputs(files: Mapping[str, Path | None]) -> list[_Output]:
    """What the user wants written, seen to be possible.

    :raises UsageError: it is not.
    """
    wanted = [_Output(option, f) for option, f in files.items() if f]
    names = [output.file for output in wanted]
    for output in wanted:
        if names.count(output.file) > 1:
            raise UsageError(
                f"{' and '.join(files)} are to be written to the same file, "
                f"{output.file}"
            )
        output.check()
    return wanted


def _progress(over: int, collected: int) -> None:
    if sys.stderr.isatty():
        _echo(f"\r{over} of {collected} tests ", nl=False, err=True)


def _end_progress() -> None:
    if sys.stderr.isatty():
        _echo("\r" + " " * 24 + "\r", nl=False, err=True)


def _echo(text: str, *, nl: bool = True, err: bool = False) -> None:
    stream = sys.stderr if err else sys.stdout
    # What a driver says may not be in the terminal's encoding.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    # https://no-color.org
    color = False if os.environ.get("NO_COLOR") else None
    try:
        click.echo(text, nl=nl, err=err, color=color)
    except BrokenPipeError:
        # Whoever reads it has read enough.
        pass
    except OSError as error:
        raise OutputError(f"the output cannot be written: {error}") from error


def _exit(status: ExitStatus) -> NoReturn:
    """End with a status, also when nobody reads our output any more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                status = ExitStatus.NOT_RUN
            # Else the interpreter tries again at its end, and fails.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(status)


def _fail(message: str, status: ExitStatus) -> NoReturn:
    _echo(f"assisted-kit: {message}", err=True)
    _exit(status)
