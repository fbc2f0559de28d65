# SPDX-License-Identifier: Apache-2.0
"""Watches over the processes in which the driver runs.

A driver may end its process, crash it, hang in it or leave things behind;
whoever asked for a verdict gets a result all the same, and a clean machine.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import ExitStack
from contextlib import suppress
from pathlib import Path

from assisted_kit.child import Child
from assisted_kit.child import environment_of
from assisted_kit.child import said_if_not_started
from assisted_kit.child import SIGNALS
from assisted_kit.child import signals_blocked
from assisted_kit.child import Start
from assisted_kit.child import SupervisionError
from assisted_kit.exhaustive import EXHAUSTIVE_VARIABLE
from assisted_kit.fork_server import ForkServer
from assisted_kit.record import merged
from assisted_kit.record import Record
from assisted_kit.run_options import NOTHING_ASKED
from assisted_kit.run_options import RunOptions
from assisted_kit.settings import Settings

PREFIX = "assisted-kit."
"""How the directories that the kit makes on a share begin."""

_TURNS = "turns"
"""The file that says which tests are taken."""

HOOKS_A_TEST = 10
"""How often a test may exhaust the patience for hooks before it hangs."""


def supervise(
    driver: str,
    settings: Settings,
    rule_ids: Sequence[str],
    progress: Callable[[int, int], None],
    processes: int = 1,
    options: RunOptions = NOTHING_ASKED,
) -> Record:
    """Run the suite in processes of its own, to their end.

    :param progress: called after each test, with how many are over and how
        many there are.
    :param processes: over how many the tests are spread.
    :raises SupervisionError: a process cannot be started.
    :raises UsageError: found out there.
    """
    run = uuid.uuid4().hex[:8]
    places = _places(settings, processes)
    made = [place for place in places if not place.exists()]
    troubles: list[str] = []
    with ExitStack() as stack:
        stack.callback(_sweep, places, run, made, troubles)
        scratch = stack.enter_context(_scratch())
        request = {
            "driver": driver,
            "config_file": settings.config_file,
            "rules": list(rule_ids),
            "options": options.as_dict(),
            "turns": f"{scratch}/{_TURNS}" if processes > 1 else None,
        }
        environment = environment_of(run, scratch)
        children: list[Child] = []
        interrupted = stack.enter_context(_interruptions_passed_on(children))
        starting = None
        if processes > 1:
            starting = stack.enter_context(
                _fork_server(rule_ids, environment, options)
            )
        for number in range(processes):
            child = Child(
                request,
                number if processes > 1 else None,
                environment=environment,
                patience=settings.patience
                * (HOOKS_A_TEST + options.explore.examples),
                starting=starting,
            )
            stack.callback(child.close)
            children.append(child)
            if number == 0 and processes > 1 and settings.database:
                # One makes the tables that they all have.
                _listen(children, interrupted, progress, _is_set_up)
        _listen(children, interrupted, progress, _is_over)
    record = merged(driver, [child.record for child in children])
    record.troubles += troubles
    return record


def _is_set_up(record: Record) -> bool:
    return record.is_over or record.plan is not None


def _is_over(record: Record) -> bool:
    return record.is_over


@contextmanager
def _fork_server(
    rule_ids: Sequence[str],
    environment: Mapping[str, str],
    options: RunOptions,
) -> Iterator[Start]:
    """What starts processes of which the first has done the imports."""
    # The rows of a test are known when its module has been imported.
    rows = {EXHAUSTIVE_VARIABLE: "1"} if options.exhaustive else {}
    with ExitStack() as stack:
        with said_if_not_started():
            with signals_blocked():
                server = ForkServer(rule_ids, {**environment, **rows})
                stack.callback(server.close)
            server.wait_until_ready()
        yield server.start


@contextmanager
def _scratch() -> Iterator[str]:
    """A temporary directory, for everything temporary of the run."""
    try:
        made = tempfile.mkdtemp(prefix="assisted-kit-")
    except OSError as error:
        raise SupervisionError(
            f"there is no temporary directory to work in: {error}"
        ) from error
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _interruptions_passed_on(children: Sequence[Child]) -> Iterator[int]:
    """Have each process hear of Ctrl-C.

    :returns: a descriptor that can be read when that has happened.
    """
    heard, say = os.pipe()
    os.set_blocking(heard, False)

    def interrupt(number: int, frame: object) -> None:
        if not children:
            raise KeyboardInterrupt
        for child in children:
            child.interrupt()
        os.write(say, b"!")

    before = {}
    for number in SIGNALS:
        # Started by nohup, say, it is to be ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, interrupt)
    try:
        yield heard
    finally:
        for number, action in before.items():
            signal.signal(number, action)
        os.close(heard)
        os.close(say)


def _listen(
    children: Sequence[Child],
    interrupted: int,
    progress: Callable[[int, int], None],
    enough: Callable[[Record], bool],
) -> None:
    """Hear the processes out, until each has said enough or is gone."""
    heard = {child: time.monotonic() for child in children}
    shown = None
    while waiting := [c for c in children if not enough(c.record)]:
        with selectors.DefaultSelector() as selector:
            selector.register(interrupted, selectors.EVENT_READ)
            for child in waiting:
                selector.register(child.output, selectors.EVENT_READ)
                selector.register(child.ended, selectors.EVENT_READ)
            until = min(heard[c] + c.silence for c in waiting)
            timeout = max(0.0, until - time.monotonic())
            ready = {key.fd for key, _ in selector.select(timeout)}
        if interrupted in ready:
            with suppress(BlockingIOError):
                os.read(interrupted, 4096)
        now = time.monotonic()
        for child in waiting:
            if ready & {child.output, child.ended, interrupted}:
                heard[child] = now
                child.listen()
                if child.ended in ready:
                    child.see_end()
            elif now >= heard[child] + child.silence:
                child.give_up(child.silence)
        counts = [child.record.progress for child in children]
        # Each knows all tests, and has run those that are over there.
        over, there = zip(*counts, strict=True)
        if (sum(over), max(there)) != shown:
            shown = (sum(over), max(there))
            progress(*shown)


def _sweep(
    places: Sequence[Path],
    run: str,
    made: Sequence[Path],
    troubles: list[str],
) -> None:
    """Remove what processes that are gone have left on the share.

    Only directories that this run made, by their names.

    :param made: those of ``places`` that were not there before.
    :param troubles: gains what comes in between: what was found out of the
        driver is not to be lost by it.
    """
    for place in places:
        try:
            left = list(place.glob(f"{PREFIX}{run}.*"))
        except OSError as error:
            troubles.append(
                f"the share cannot be read any more, and what the run has "
                f"made there may be left: {error}"
            )
            continue
        for directory in left:
            shutil.rmtree(directory, ignore_errors=True)
    for place in made:
        with suppress(OSError):
            place.rmdir()


def _places(settings: Settings, processes: int) -> list[Path]:
    """Where on the share the run's processes make their directories."""
    if settings.share is None:
        return []
    if settings.work_directory is None:
        return [settings.share]
    name = settings.work_directory
    names = [f"{name}.{number}" for number in range(processes)]
    return [settings.share / n for n in (names if processes > 1 else [name])]
