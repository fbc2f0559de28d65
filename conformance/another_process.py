# SPDX-License-Identifier: Apache-2.0
"""Calling a hook in a process of its own.

What *complete* needs is in the database and on the share, since another
manager process may call it (contract sections 2 and 4).  The reference goes
there as plain data, and what the hook returned or raised comes back.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assisted_kit.driver import Hook
from assisted_kit.errors import AssistedKitError
from assisted_kit.refs import SnapshotRef
from assisted_kit.subject import Subject
from conformance import hook_call
from conformance.hook_call import Outcome
from conformance.hook_call import Request
from conformance.watch import calls


class ProcessEnded(AssistedKitError):
    """The process ended before the hook returned."""


def calling(
    subject: Subject, share: Path, base_format: str, hook: Hook
) -> Callable[[Any], Any]:
    """A function that calls ``hook`` in a process of its own."""

    def call(snapshot_ref: SnapshotRef) -> Any:
        request = Request.of(subject, share, base_format, hook, snapshot_ref)
        return _run(request).result()

    return call


def _run(request: Request) -> Outcome:
    # As on another host, nothing is in the directories of its user.
    with calls.aside(), tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            [sys.executable, "-P", "-m", hook_call.__name__],
            input=pickle.dumps(request),
            capture_output=True,
            check=False,
            env={**hook_call.environment(), "HOME": empty, "TMPDIR": empty},
        )
    sys.stderr.write(done.stderr.decode(errors="backslashreplace"))
    try:
        outcome: Outcome = pickle.loads(done.stdout)  # noqa: S301
    except Exception as error:
        raise ProcessEnded(
            f"the process in which {request.hook} ran ended with status "
            f"{done.returncode}: {done.stderr.decode(errors='replace')}"
        ) from error
    return outcome
