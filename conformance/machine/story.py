# SPDX-License-Identifier: Apache-2.0
"""A story of volumes and snapshots, to be told step by step::

    with Story("mydriver:MyDriver") as story:
        story.create_volume(volume="V")
        story.attach(volume="V")
        story.take_snapshot(volume="V", snapshot="s1", nova="loses the report")
        story.write(volume="V")
        story.deadline_passes()
        story.delete_snapshot(snapshot="s1")

After every step each byte of each volume and snapshot is compared with what
was written.
"""

from __future__ import annotations

from types import TracebackType

from assisted_kit import subject as subjects
from assisted_kit.subject import Subject
from conformance import catalogue
from conformance.evidence import evidence_of
from conformance.machine.contradiction import Contradiction
from conformance.machine.of_snapshots import OfSnapshots
from conformance.machine.of_volumes import OfVolumes
from conformance.violation import describe
from conformance.violation import Evidence
from conformance.violation import Finding
from conformance.violation import Violation
from conformance.watch.secrets import hidden

RULE = "MCH-001"
"""The rule that a story is about unless it says otherwise."""


class Story(OfVolumes, OfSnapshots):
    """What is done to a driver's volumes, and what must hold after it.

    :param driver: ``module:Class``, or what was found by that name.
    :param config: its configuration file.
    :param base: the format of new volumes' base images.
    :param nova: the generation of the compute service at the beginning.
    :param rule: the id of the rule that fails if something does not hold.
    :raises UsageError: a malformed name, or a wrong configuration file.
    :raises SubjectError: the driver does not import or is no driver.
    """

    def __init__(
        self,
        driver: str | Subject,
        *,
        config: str | None = None,
        base: str = "raw",
        nova: str = "dual",
        rule: str = RULE,
    ) -> None:
        if isinstance(driver, str):
            driver = subjects.load(driver, config)
        super().__init__(driver, base=base, nova=nova)
        self._rule = catalogue.BY_ID[rule]

    def evidence(self) -> Evidence:
        """What was going on, for the message of a failure."""
        return evidence_of(
            self.deployment, self.told_last, program=str(self.program)
        )

    def __enter__(self) -> Story:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self.end()
        except Contradiction as found:
            error = found
        message = ""
        if isinstance(error, Contradiction):
            message = self._message(error)
        self.close()
        if message:
            raise Violation(message) from error

    def _message(self, found: Contradiction) -> str:
        return hidden(
            describe(
                Finding(
                    self._rule,
                    found.expected,
                    found.observed,
                    self.evidence(),
                    repeat="",
                )
            )
        )
