# SPDX-License-Identifier: Apache-2.0
"""Secrets stay where they belong."""

from __future__ import annotations

from typing import Any

import ddt

from conformance.case import verifies
from conformance.deployment import Deployment
from conformance.hook_work import HookWork
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.volume import VolumeUnderTest
from conformance.watch import secrets


@expanded
class SecretTest(HookWork):
    """Contract section 8."""

    @ddt.data(*GUESTS)
    @verifies("HKS-009")
    def test_no_secret_in_commands_and_updates(self, guest: str) -> None:
        deployment = self._given_secrets_used(guest)
        self.claim_none(
            [
                *secrets.in_commands(self.commands()),
                *secrets.in_updates(deployment.journal.calls()),
            ],
            "no secret in a command or in an update",
        )

    @ddt.data(*GUESTS)
    @verifies("HKS-010")
    def test_no_secret_is_logged(self, guest: str) -> None:
        printed = self.useFixture(secrets.Output())
        deployment = self._given_secrets_used(guest)
        self.claim_none(
            [
                *secrets.in_log(deployment.watch.log()),
                *secrets.in_errors(deployment.journal.calls()),
                *secrets.found_in(printed.text(), "what was printed"),
            ],
            "no secret in the log, in an exception or in what is printed",
        )

    def claim_none(self, leaks: list[str], expected: str) -> None:
        """Claim that nothing leaked."""
        self.claim(not leaks, expected, "\n".join(dict.fromkeys(leaks)))

    def given_volume(self, *args: Any, **kwargs: Any) -> VolumeUnderTest:
        """A volume with secrets in all places that its driver reads."""
        for option in secrets.PASSWORD_OPTIONS:
            self.subject.adapter.options.setdefault(option, secrets.PASSWORD)
        volume = super().given_volume(*args, **kwargs)
        deployment = volume.deployment
        deployment.context.auth_token = secrets.TOKEN
        deployment.database.volumes.update(
            volume.id, {"provider_auth": secrets.PROVIDER_AUTH}
        )
        return volume

    def _given_secrets_used(self, guest: str) -> Deployment:
        """A driver that had every secret, in work that went well and not."""
        volume = self.given_work_done(guest)
        if guest == "attached":
            # With two attachments, begin raises.
            volume.attach_once_more()
            volume.start_snapshot()
            volume.settle()
        return volume.deployment
