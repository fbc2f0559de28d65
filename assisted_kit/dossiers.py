# SPDX-License-Identifier: Apache-2.0
"""The folder in which a run puts all that is known about its failures."""

from __future__ import annotations

from pathlib import Path

from assisted_kit.settings import UsageError


def prepare(option: str, folder: str) -> None:
    """Make a folder that has nothing of an earlier run in it.

    :param option: which names it.
    :raises UsageError: it cannot be one.
    """
    if not folder:
        raise UsageError(f"{option} is empty")
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise UsageError(
                f"{option} {folder} is not empty, and what an earlier run "
                f"found would be mixed with what this one finds; name "
                f"another folder, or remove it"
            )
        # Found out before the run, not when a rule has failed.
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"{option} {folder} cannot be written to: {error.strerror}"
        ) from error
