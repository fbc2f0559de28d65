# SPDX-License-Identifier: Apache-2.0
"""The process in which the driver runs: ``python -m assisted_kit.runner``.

Started by :mod:`assisted_kit.supervisor`, to which it tells what it finds,
event by event: a line of JSON each, the event's name and its arguments.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import IO

import pytest

from assisted_kit import suite
from assisted_kit.child import SIGNALS
from assisted_kit.errors import AssistedKitError
from assisted_kit.outcomes import TestResult
from assisted_kit.recorder import Recorder
from assisted_kit.run_options import NOTHING_ASKED
from assisted_kit.run_options import RunOptions
from assisted_kit.sharing import Turns
from assisted_kit.subject import load
from assisted_kit.subject import UsageError

_YOUNG = 20_000
"""New objects before Python looks which of them are garbage.

A test makes thousands that its end sets free, and with 700, Python's own
number, the looking takes one part in thirty of a run.
"""


class Sender:
    """Tells the supervisor what a run finds; a :class:`Listener`."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def named(self, driver: str) -> None:
        """What the driver calls itself."""
        self._tell("named", driver)

    def planned(self, said: Mapping[str, Any]) -> None:
        """Everything that there is to run, here and in other processes."""
        self._tell("planned", said)

    def collected(self, tests: Mapping[str, str]) -> None:
        """The tests to come, here or elsewhere, with their rules' ids."""
        self._tell("collected", tests)

    def started(self, test: str) -> None:
        """A test starts."""
        self._tell("started", test)

    def found(self, result: TestResult) -> None:
        """A test found something out."""
        self._tell("found", *dataclasses.astuple(result))

    def worked(self, test: str, capability: str) -> None:
        """An ability that the driver does not declare works."""
        self._tell("worked", test, capability)

    def replaced(self, what: Sequence[str]) -> None:
        """Something of the kit's is not the kit's own."""
        self._tell("replaced", what)

    def finished(self, test: str) -> None:
        """A test is over, clean-up included."""
        self._tell("finished", test)

    def trouble(self, what: str) -> None:
        """The kit itself did not run as it should."""
        self._tell("trouble", what)

    def interrupted(self) -> None:
        """Somebody pressed Ctrl-C."""
        self._tell("interrupted")

    def refused(self, what: str, is_usage: bool) -> None:
        """The driver cannot be put before the suite."""
        self._tell("refused", what, is_usage)

    def over(self) -> None:
        """Everything has been told."""
        self._tell("over")

    def _tell(self, event: str, *words: object) -> None:
        try:
            self._stream.write(json.dumps([event, *words]) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            # Nobody is left to hear the result.
            raise KeyboardInterrupt from None


def run(
    driver: str,
    config_file: str | None,
    rule_ids: Sequence[str],
    sender: Sender,
    turns: Turns | None = None,
    options: RunOptions = NOTHING_ASKED,
) -> None:
    """Run the suite under pytest.

    :param turns: shared with the other processes of the run.
    :raises AssistedKitError: the driver cannot be put before it.
    """
    subject = load(driver, config_file)
    sender.named(subject.adapter.name)
    suite.try_out(subject)
    arguments = [
        "--pyargs",
        *suite.modules(rule_ids),
        "-p",
        "assisted_kit.plugin",
        "-p",
        "no:terminal",
        "-p",
        "no:cacheprovider",
        # No file of the directory that the user happens to be in.
        "--noconftest",
        "-c",
        os.devnull,
        f"--rootdir={suite.directory()}",
        f"--assisted-driver={driver}",
    ]
    if config_file:
        arguments.append(f"--assisted-config={config_file}")
    arguments += [f"--assisted-rule={rule_id}" for rule_id in rule_ids]
    arguments += options.of_pytest
    code = pytest.main(arguments, plugins=[Recorder(sender, turns)])
    if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR):
        sender.trouble(f"pytest ended with {code!r}")


def main() -> None:
    """Run what is asked for on standard input, and end the process.

    Without waiting for threads, of which one may be stuck in a hook.
    """
    descriptor = int(sys.argv[1])
    os.set_inheritable(descriptor, False)
    gc.set_threshold(_YOUNG)
    with open(descriptor, "w", encoding="utf-8") as stream:
        sender = Sender(stream)
        try:
            for number in SIGNALS:
                signal.signal(number, signal.default_int_handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            request = json.load(sys.stdin)
            run(
                request["driver"],
                request["config_file"],
                request["rules"],
                sender,
                Turns(Path(request["turns"])) if request["turns"] else None,
                RunOptions.from_dict(request["options"]),
            )
        except AssistedKitError as error:
            sender.refused(str(error), isinstance(error, UsageError))
        except KeyboardInterrupt:
            sender.interrupted()
        except BaseException:
            sender.trouble(traceback.format_exc())
        sender.over()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
