# SPDX-License-Identifier: Apache-2.0
"""Why a test fails: what its message says, and what counts as evidence."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from testtools.content import text_content

from assisted_kit.errors import AssistedKitError
from assisted_kit.exhaustive import is_wanted
from conformance import dossier
from conformance.arrangement import ArrangedTest
from conformance.arrangement import Trouble
from conformance.evidence import evidence_of
from conformance.violation import describe
from conformance.violation import Evidence
from conformance.violation import Finding
from conformance.violation import in_short
from conformance.violation import NotArranged
from conformance.violation import OperationFailed
from conformance.violation import Violation
from conformance.watch.secrets import forms
from conformance.watch.secrets import hidden


class NotExercised(AssistedKitError):
    """A test ended well, and had not evaluated the claim of its rule."""


class ExplainedTest(ArrangedTest):
    """A test whose failure is written for the vendor's engineer.

    What a failing test says is in ``assisted_message``, and how often its
    claim was evaluated in ``assisted_evidence``.
    """

    assisted_evidence = 0
    assisted_message = ""

    assisted_summary = ""
    """The rule and what was observed, in a line."""

    assisted_finding: Mapping[str, str] = {}
    """What was expected and observed, for programs."""

    assisted_interrupted = False
    """Whether Ctrl-C was pressed during the test."""

    assisted_program = ""
    """The steps that it did, where a machine has chosen them."""

    _troubles = 0
    """Exceptions that were raised, those of the clean-up included."""

    def _see_evidence(self) -> None:
        """Passing is not enough: the claim must have been evaluated.

        :raises NotExercised: it was not, though nothing went wrong.
        :raises OperationFailed: what the driver did had to be ended, and the
            test did not mind.
        """
        if self.assisted_probe:
            return
        if self._has_given_up and not self._troubles:
            assert self._patience is not None
            raise OperationFailed(
                "the test", "calls that return", self._patience.said_of("call")
            )
        if not (self.assisted_evidence or self._troubles):
            self.assisted_skip = "no evidence"
            raise NotExercised(
                f"{self.assisted_rule.id}: the test ended without having "
                f"evaluated its claim"
            )

    def _explain(self, exc_info: Any) -> None:
        error = exc_info[1]
        self._troubles += 1
        if isinstance(error, KeyboardInterrupt):
            self.assisted_interrupted = True
        if self.assisted_message:
            # What comes after the first trouble is mostly its consequence.
            self.assisted_message += hidden(
                f"\n\nand then        {type(error).__name__}: {error}"
            )
            return
        match error:
            case Violation():
                self.assisted_message = str(error)
                return
            case self.skipException() | KeyboardInterrupt():
                return
            case NotExercised():
                self.assisted_message = self.assisted_summary = str(error)
            case AssistedKitError() if self.deployment is None:
                # No driver yet that it could be about.
                self.assisted_message = str(error)
                self.assisted_summary = f"{self.assisted_rule.id}: {error}"
            case _ if self.assisted_probe:
                self.assisted_message = f"{type(error).__name__}: {error}"
            case NotArranged():
                # What was claimed before says less than the whole test.
                self.assisted_evidence = 0
                self.assisted_skip = "not arranged"
                self.assisted_message = self._message(
                    error.expected, error.observed
                )
            case _ if trouble := Trouble.behind(error):
                # It is part of what the rule claims to work.
                self.assisted_evidence += 1
                self.assisted_message = self._message(*trouble)
            case _:
                self.assisted_message = self._message(
                    "the test runs to its end",
                    f"{type(error).__name__}: {error}",
                )
        # Runners that show the exception alone would not have it.
        self.addDetail("rule", text_content(self.assisted_message))

    def _message(self, expected: str, observed: str) -> str:
        rule = self.assisted_rule
        first, *_ = observed.splitlines() or [""]
        self.assisted_summary = f"{rule.id} {rule.level}: {first}"
        finding = Finding(
            rule,
            expected,
            observed,
            self._evidence(),
            shlex.join(self._repeat()),
        )
        self.assisted_finding = in_short(finding, self._redacted)
        folder = ""
        # Where the rule has not failed, its likely causes are not the cause.
        if not self.assisted_skip:
            folder = dossier.write(
                finding, self.id(), self.subject.driver, self._redacted
            )
        return self._redacted(describe(finding, folder))

    def _redacted(self, text: str) -> str:
        """A text without what a hook has returned or logged of secrets."""
        keys = self.deployment.keys.values() if self.deployment else ()
        known = [form for k in keys for form in forms(k.passphrase, "a key")]
        return hidden(text, known)

    def _repeat(self) -> list[str]:
        """The command line that runs the test again."""
        options = self.subject.options
        if hasattr(self._test(), "assisted_combination") and is_wanted():
            # By default it may not have this row, or not with this rule.
            options = [*options, "--exhaustive"]
        rule_id = self.assisted_rule.id
        return ["assisted-kit", "run", *options, "--rule", rule_id]

    def _test(self) -> Any:
        return getattr(self, self._testMethodName)

    def _evidence(self) -> Evidence:
        return evidence_of(
            self.deployment, self.volume, program=self.assisted_program
        )
