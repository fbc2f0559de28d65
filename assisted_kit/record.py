# SPDX-License-Identifier: Apache-2.0
"""What was heard of a run, from the process in which the driver runs."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

from assisted_kit.outcomes import Outcome
from assisted_kit.outcomes import TestResult
from assisted_kit.plan import Plan
from assisted_kit.settings import UsageError


class Record:
    """What was heard of a run so far; a :class:`Listener`."""

    def __init__(self, driver: str) -> None:
        self.driver = driver
        self.plan: Plan | None = None
        self.troubles: list[str] = []
        self.tampered: list[str] = []
        self.works: set[tuple[str, str]] = set()
        """The capabilities that worked, by the test that tried them."""
        self.was_interrupted = False
        self.is_over = False
        self._found: list[TestResult] = []
        self._rules: dict[str, str] = {}
        self._finished: set[str] = set()
        self._current: str | None = None
        self._trials_that_ended_it: list[str] = []
        """How it died of what the driver does not even claim to do."""

    def named(self, driver: str) -> None:
        """What the driver calls itself."""
        self.driver = driver

    def planned(self, said: Mapping[str, object]) -> None:
        """Everything that there is to run, here and in other processes."""
        self.plan = Plan.from_dict(said)
        self.replaced(self.plan.tampered)

    def collected(self, tests: Mapping[str, str]) -> None:
        """The tests to come, here or elsewhere, with their rules' ids."""
        self._rules = dict(tests)

    def started(self, test: str) -> None:
        """A test starts."""
        self._current = test

    def found(self, result: TestResult) -> None:
        """A test found something out."""
        self._found.append(result)

    def worked(self, test: str, capability: str) -> None:
        """An ability that the driver does not declare works."""
        self.works.add((test, capability))

    def replaced(self, what: Sequence[str]) -> None:
        """Something of the kit's is not the kit's own."""
        new = [w for w in what if w not in self.tampered]
        self.tampered.extend(dict.fromkeys(new))

    def finished(self, test: str) -> None:
        """A test is over."""
        self._finished.add(test)
        self._current = None

    def trouble(self, what: str) -> None:
        """The kit itself did not run as it should.

        What is amiss in a process that was interrupted comes of that.
        """
        if not self.was_interrupted:
            self.troubles.append(what)

    def interrupted(self) -> None:
        """The process was interrupted, by somebody or by the driver."""
        if not self.was_interrupted:
            self.troubles.append(
                "the driver raised KeyboardInterrupt, and nobody had pressed "
                "Ctrl-C"
            )

    def refused(self, what: str, is_usage: bool) -> None:
        """The driver cannot be put before the suite.

        :raises UsageError: for what the user said.
        """
        self.is_over = True
        if is_usage and not self.was_interrupted:
            raise UsageError(what)
        self.trouble(what)

    def over(self) -> None:
        """Everything has been told."""
        self.is_over = True

    def died(self, how: str) -> None:
        """The process is gone, and had not told everything.

        :param how: "with exit status 0", say.
        """
        self.is_over = True
        if self.was_interrupted:
            return
        where = f" during {self._current}" if self._current else ""
        what = f"the process in which the driver runs ended{where}, {how}"
        if self._current is None:
            self.troubles.append(what)
            return
        rule_id = self._rules[self._current]
        self._finished.add(self._current)
        if rule_id:
            self.troubles.append(what)
        else:
            self._trials_that_ended_it.append(what)
        self._found.append(
            TestResult(rule_id, self._current, Outcome.ERROR, 0, what)
        )

    @property
    def is_testing(self) -> bool:
        """Whether a test has started that is not over."""
        return self._current is not None

    @property
    def progress(self) -> tuple[int, int]:
        """How many tests are over, and how many there are."""
        return len(self._finished), len(self._rules)

    def results(self) -> list[TestResult]:
        """What every test found out, if only that it was not run."""
        left = [
            TestResult(self._rules[test], test, Outcome.NOT_EXERCISED)
            for test in self._left()
        ]
        return [*self._found, *left]

    def _left(self) -> list[str]:
        return [test for test in self._rules if test not in self._finished]


def merged(driver: str, parts: Iterable[Record]) -> Record:
    """What the processes of one run told, each of the tests that it took."""
    whole = Record(driver)
    for part in parts:
        whole.driver = part.driver if part.plan else whole.driver
        whole.plan = whole.plan or part.plan
        whole.works |= part.works
        whole.replaced(part.tampered)
        whole.troubles += [t for t in part.troubles if t not in whole.troubles]
        whole.was_interrupted |= part.was_interrupted
        whole._found += part._found
        whole._rules |= part._rules
        whole._finished |= part._finished
        whole._trials_that_ended_it += part._trials_that_ended_it
    if any(whole._rules[test] for test in whole._left()):
        # They have cost what the driver does claim.
        whole.troubles += whole._trials_that_ended_it
    return whole
