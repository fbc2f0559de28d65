# SPDX-License-Identifier: Apache-2.0
"""What was going on when something did not hold, for its message."""

from __future__ import annotations

from conformance.deployment import Deployment
from conformance.violation import Evidence
from conformance.volume import VolumeUnderTest

LOGGED = 20
"""Records of the driver's log that a message shows."""


def evidence_of(
    deployment: Deployment | None,
    volume: VolumeUnderTest | None,
    *,
    program: str = "",
) -> Evidence:
    """The last operation: hooks, Nova, commands, log and chains.

    What the arrangement did before it would bury that.

    :param program: the steps up to there, if somebody else chose them.
    """
    if deployment is None or not hasattr(deployment, "nova"):
        return Evidence(program=program)
    calls = deployment.journal.calls()
    last = calls[-1].snapshot_id if calls else None
    failures = [call.traceback() for call in calls if call.error]
    return Evidence(
        program=program,
        chain_before=volume.chain_before if volume else "",
        chain_after=volume.draw() if volume else "",
        hooks=[str(call) for call in calls if call.snapshot_id == last],
        nova=[
            str(entry)
            for entry in deployment.nova.history
            if last is not None and last in str(entry)
        ],
        commands=[str(c) for c in deployment.watch.commands(last)],
        log=[str(r) for r in deployment.watch.log(last)[-LOGGED:]],
        traceback=failures[-1] if failures else "",
        timeline=deployment.timeline(),
        names=volume.names() if volume else {},
    )
