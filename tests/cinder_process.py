# SPDX-License-Identifier: Apache-2.0
"""A process of Cinder's own, in which tests of its drivers run.

Cinder keeps its configuration, its locks and its database connection per
process and loads eventlet, which stays out of the tests' process.  One
other process runs such tests one after another, each reported as itself.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import multiprocessing
import traceback
import warnings
from pathlib import Path

import pytest

PATIENCE = 300.0
"""Seconds until a test that does not end is given up."""


def in_cinders_process(test):
    """Run the body of a test in the process that ``cinder`` is.

    There ``cinder`` is a :class:`Deployments`.  The body's module is
    imported in both processes.
    """

    @functools.wraps(test)
    def run(cinder, **arguments):
        cinder.run(test.__module__, test.__name__, arguments)

    return run


class CinderProcess:
    """The process, as the tests' process knows it.

    :param directory: empty; for what a volume service keeps on disk.
    """

    def __init__(self, directory: Path) -> None:
        # A fork would copy threads' locks, and the plug-ins of a test run.
        spawning = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawning.Pipe()
        self._process = spawning.Process(
            target=_serve, args=(theirs, directory), daemon=True
        )
        self._process.start()
        theirs.close()

    def run(self, module: str, name: str, arguments) -> None:
        """Run a test there, and fail here as it fails there."""
        try:
            self._pipe.send((module, name, arguments))
            ended = self._pipe.poll(PATIENCE)
            failure = self._pipe.recv() if ended else "it does not end"
        except (EOFError, OSError):
            self._process.join(10)
            ended = False
            failure = f"it died, exit code {self._process.exitcode}"
        if not ended:
            self._process.kill()
        if failure:
            pytest.fail(f"in Cinder's process: {failure}", pytrace=False)

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(10)
        self._process.kill()


class Deployments:
    """What a test in Cinder's process makes deployments with."""

    def __init__(self, database: str, stack: contextlib.ExitStack) -> None:
        self._database = database
        self._stack = stack
        self._made = []
        self._clouds = []

    def deploy(self, **options):
        """A deployment around NfsDriver, gone when the test is over.

        :param options: those of ``CinderDeployment``.
        """
        from cinder_deployment import CinderDeployment

        deployment = CinderDeployment(self._database, **options)
        self._made.append(self._stack.enter_context(deployment))
        return deployment

    def cloud(self, **options):
        """A cloud whose Cinder 29 is to be upgraded; gone with the test.

        :param options: those of ``CinderCloud``.
        """
        from cinder_cloud import CinderCloud

        cloud = CinderCloud(self._database, self._stack, **options)
        self._clouds.append(cloud)
        return cloud

    def story(self) -> str:
        """What Nova did, and what was logged."""
        return "\n".join(
            [
                part
                for deployment in self._made
                for part in (
                    str(deployment.nova.history),
                    *(d.as_text() for d in deployment.getDetails().values()),
                )
            ]
            + [part for cloud in self._clouds for part in cloud.story()]
        )


def _serve(pipe, directory: Path) -> None:
    # eventlet's own, and those of Cinder's migrations.
    warnings.simplefilter("ignore")
    import cinder_nfs

    database = cinder_nfs.set_up(directory)
    with contextlib.suppress(EOFError):
        while True:
            pipe.send(_failure(database, *pipe.recv()))


def _failure(database: str, module: str, name: str, arguments) -> str | None:
    test = getattr(importlib.import_module(module), name).__wrapped__
    try:
        with contextlib.ExitStack() as stack:
            deployments = Deployments(database, stack)
            try:
                test(cinder=deployments, **arguments)
            except BaseException:
                return f"{traceback.format_exc()}\n{deployments.story()}"
    except BaseException:
        # The clean-up's: this test has failed, and the others go on.
        return traceback.format_exc()
    return None
