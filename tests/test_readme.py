# SPDX-License-Identifier: Apache-2.0
"""The README tells the truth."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import click

from assisted_kit.abilities import AbilityStatus
from assisted_kit.cli.main import run
from assisted_kit.outcomes import Outcome
from assisted_kit.results import RunResult
from tests.command_line import assisted_kit_run
from tests.test_anywhere import Repository
from tests.test_anywhere import repository as repository

README = Path(__file__).parent.parent / "README.rst"


def block_after(text: str) -> str:
    """The indented block that follows ``text`` in the README."""
    following = README.read_text().split(text, 1)[1]
    lines = []
    for line in following.lstrip("\n").splitlines():
        if line and not line.startswith("    "):
            break
        lines.append(line)
    return textwrap.dedent("\n".join(lines)).strip() + "\n"


def without_ids(text: str) -> str:
    """``text`` with every UUID alike."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)


def test_twenty_line_driver_fails_as_it_says(tmp_path: Path) -> None:
    driver = block_after(".. code-block:: python\n")
    (tmp_path / "mydriver.py").write_text(driver)
    done = assisted_kit_run(
        tmp_path, "--driver", "mydriver:MyDriver", rules=("CRE-003",)
    )
    shown = block_after("--rule CRE-003`` says so::\n")
    assert done.exit_status == 1
    assert without_ids(done.output) == without_ids(shown)


def test_configuration_file_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "mydriver.py").write_text(
        block_after(".. code-block:: python\n")
    )
    share = tmp_path / "share"
    share.mkdir()
    config = block_after(".. code-block:: ini\n")
    config = config.replace("/mnt/share", str(share))
    config = config.replace("/var/tmp/cinder.sqlite", f"{tmp_path}/db")
    (tmp_path / "kit.conf").write_text(config)
    done = assisted_kit_run(
        tmp_path, "--config", "kit.conf", rules=("UPD-002",)
    )
    assert done.exit_status == 0, done.output + done.errors
    assert done.result is not None
    assert done.result["driver"] == "mydriver:MyDriver"
    assert list(share.iterdir()) == []


def test_usage_has_every_option() -> None:
    usage = README.read_text().split("``./kit run [--driver MODULE", 1)[1]
    usage = f"[--driver MODULE{usage.split('``', 1)[0]}"
    for option in run.params:
        words = option.opts[:1]
        if not getattr(option, "is_flag", False):
            words.append(option.make_metavar(click.Context(run)))
        assert f"[{' '.join(words)}]" in " ".join(usage.split())


def test_everything_in_the_json_result_is_explained() -> None:
    text = README.read_text().split("The JSON result has\n", 1)[1]
    text = text.split("Anywhere\n====", 1)[0]
    said = ("x",)
    result = RunResult(
        "a:B", (), False, False, said, None, (), said, said, (1, 2)
    )
    for name in (*result.as_dict(), *Outcome, *AbilityStatus):
        assert f"``{name}``" in " ".join(text.split())


def test_class_of_a_vendors_is_the_whole_suite(repository: Repository) -> None:
    text = block_after("drivers:\n\n.. code-block:: python\n")
    repository.write("test_mine.py", text)
    (repository.path / "mydriver.py").write_text(
        "from drivers import Broken as MyDriver\n"
    )
    status, output = repository.run(
        "unittest", "discover", "tests", "-k", "test_support_is_declared"
    )
    assert status == 1, output
    assert "Ran 1 test " in output
    assert (
        "repeat          python -m unittest test_mine.TestMyDriver" in output
    )
