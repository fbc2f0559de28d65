# SPDX-License-Identifier: Apache-2.0
"""The ``qemu-img`` commands that the driver uses.

Every one has explicit formats, absolute paths for what it opens and, for a
backing file, a bare name that was checked (contract sections 3 and 8).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from oslo_concurrency.processutils import ProcessLimits

GIB = 1024**3

HEADER_LIMITS = ProcessLimits(address_space=GIB, cpu_time=30)
"""Bytes, and seconds of CPU, for commands that open one image and touch its
header (CVE-2015-5162)."""

NO_LIMITS = None
"""For commands that make an image and read none."""

CHAIN_LIMITS = ProcessLimits(address_space=16 * GIB)
"""For commands that open a whole chain: each image has its cache and the
command its threads, so that a chain of 50 does not fit into 1 GiB.  Moving
data has no limit of CPU (contract section 8)."""


class QemuImg:
    """Starts ``qemu-img``, under limits if it reads images.

    :param execute: runs a command and raises when it fails; Cinder's
        ``processutils.execute`` and its rootwrap variants fit.
    """

    def __init__(self, execute: Callable[..., Any]) -> None:
        self._execute = execute

    def create(self, path: Path, size_gib: int) -> None:
        """Make an empty qcow2 image."""
        self._run(
            "create",
            "-f",
            "qcow2",
            str(path),
            f"{size_gib}G",
            limits=NO_LIMITS,
        )

    def create_overlay(
        self, path: Path, backing: str, backing_format: str, size_gib: int
    ) -> None:
        """Make an overlay, without opening its backing file (``-u``)."""
        self._run(
            "create",
            "-u",
            "-f",
            "qcow2",
            "-b",
            backing,
            "-F",
            backing_format,
            str(path),
            f"{size_gib}G",
            limits=NO_LIMITS,
        )

    def rebase(self, path: Path, backing: str, backing_format: str) -> None:
        """Point an overlay at a backing file that reads the same."""
        self._run(
            "rebase",
            "-u",
            "-f",
            "qcow2",
            "-b",
            backing,
            "-F",
            backing_format,
            str(path),
        )

    def commit(self, path: Path) -> None:
        """Write what an overlay holds into its backing file.

        The overlay itself keeps its content (``-d``), so that the chain
        reads the same wherever this is interrupted.
        """
        self._run(
            "commit", "-f", "qcow2", "-d", str(path), limits=CHAIN_LIMITS
        )

    def resize(self, path: Path, format_: str, size_gib: int) -> None:
        """Grow an image."""
        self._run(
            "resize",
            "-f",
            format_,
            str(path),
            f"{size_gib}G",
            limits=CHAIN_LIMITS,
        )

    def convert(
        self, source: Path, source_format: str, path: Path, format_: str
    ) -> None:
        """Copy what is read through ``source`` into a new image."""
        self._run(
            "convert",
            "-f",
            source_format,
            "-O",
            format_,
            str(source),
            str(path),
            limits=CHAIN_LIMITS,
        )

    def _run(
        self, *command: str, limits: ProcessLimits | None = HEADER_LIMITS
    ) -> None:
        self._execute("qemu-img", *command, prlimit=limits)
