# SPDX-License-Identifier: Apache-2.0
"""What a failure's message says of a driver's work."""

from __future__ import annotations

import subprocess

from conformance.catalogue import BY_ID
from conformance.violation import describe
from conformance.violation import Evidence
from conformance.violation import Finding
from tests.watched import Watched
from tests.watched import watched as watched


def test_commands_and_log_are_shown(watched: Watched) -> None:
    words = ["sh", "-c", "echo no space left >&2; exit 1"]
    watched.in_hook(
        lambda: subprocess.run(words, check=False, capture_output=True)
    )
    evidence = Evidence(
        commands=list(map(str, watched.watch.commands())),
        log=["WARNING mydriver: retrying V"],
    )
    finding = Finding(BY_ID["CRE-001"], "this", "that", evidence, "repeat it")
    text = describe(finding)
    assert text.splitlines()[-4:] == [
        "commands        sh -c 'echo no space left >&2; exit 1' -> exit 1",
        "                  no space left",
        "log             WARNING mydriver: retrying V",
        "repeat          repeat it",
    ]
