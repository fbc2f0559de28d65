# SPDX-License-Identifier: Apache-2.0
"""What tests claim of the driver: each counted, and explained if false."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from assisted_kit.capabilities import Capability
from assisted_kit.driver import Hook
from assisted_kit.driver import LegacyCall
from assisted_kit.image import Image
from assisted_kit.rules import Profile
from conformance import oracle
from conformance import storage
from conformance.explanation import ExplainedTest
from conformance.oracle import Difference
from conformance.snapshot import SnapshotUnderTest
from conformance.violation import NotArranged
from conformance.violation import Violation
from conformance.volume import VolumeUnderTest


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_shown(part) for part in value)
    return str(value) if isinstance(value, Image) else repr(value)


class ClaimingTest(ExplainedTest):
    """A test that evaluates claims, in the contract's words."""

    def claim(self, holds: bool, expected: str, observed: str) -> None:
        """Evaluate the rule's claim once.

        :raises Violation: it does not hold.
        """
        self.assisted_evidence += 1
        if not holds:
            raise Violation(self._message(expected, observed))

    def claim_equal(self, expected: object, observed: object, of: str) -> None:
        """Claim that something of the driver's is as expected."""
        self.claim(
            expected == observed,
            f"{of}: {_shown(expected)}",
            f"{of}: {_shown(observed)}",
        )

    def claim_same(self, difference: Difference | None, what: str) -> None:
        """Claim that an image reads as it should: there is no difference."""
        if difference is None:
            self.claim(True, "", "")
        else:
            self.claim(
                False,
                f"{what}:\n{difference.expected}",
                difference.observed,
            )

    def claim_goes_well(
        self, what: str, operation: Callable[[], object]
    ) -> None:
        """Claim that an operation is not refused."""
        try:
            operation()
        except Exception as error:
            self.claim(
                False,
                f"{what} goes well",
                f"{type(error).__name__}: {error}",
            )
        self.claim(True, "", "")

    # -- of the data

    def claim_everything_reads_back(self) -> None:
        """Claim that the volume and every snapshot read as they should."""
        for difference, what in self._volume().differences():
            self.claim_same(difference, what)

    def claim_live_guest_reads_back(self) -> None:
        """Claim that the image that the guest has open reads right."""
        volume = self._volume()
        self.claim_same(
            oracle.compare(volume.live_image(), volume.ledger),
            "the image that the guest writes to",
        )

    def claim_connection_reads_back(self) -> None:
        """Claim that what a new connection would use reads right."""
        self.claim_same(
            self._volume().connected_difference(),
            "the image that a new connection uses",
        )

    def claim_copy_reads_back(self, snapshot: Any) -> None:
        """Claim that a volume created from a snapshot reads as it."""
        self.uses(Capability.create_from_snapshot)
        self.claim_same(
            self._volume().copy_difference(snapshot),
            f"a volume created from snapshot {snapshot.id}",
        )

    # -- of the volume's files and state

    def files_on_share(self) -> list[str]:
        """All files there are; none for a driver without files."""
        assert self.deployment is not None
        capabilities = self.subject.adapter.capabilities
        if Capability.overlay_files not in capabilities:
            return []
        share = self.deployment.share
        return sorted(
            str(path.relative_to(share))
            for path in share.rglob("*")
            if not path.is_dir()
        )

    def claim_unchanged(self, before: Mapping[str, object]) -> None:
        """Claim that the volume's state is still what it was."""
        after = self._volume().state()
        for what, was in before.items():
            self.claim_equal(was, after[what], f"the volume's {what}")

    def claim_no_orphans(self) -> None:
        """Claim that every image on the share is in the volume's chain."""
        volume = self._volume()
        self.claim_equal(
            sorted(image.path.name for image in volume.chain()),
            sorted(volume.files() - {f"{volume.name}.info"}),
            "the images of the volume",
        )

    def claim_connected(self) -> None:
        """Claim that the volume can be attached."""
        try:
            info = self._volume().connection_info()
        except Exception as error:  # whatever the driver raises
            self.claim(
                False,
                "initialize_connection names an image",
                f"it raises {type(error).__name__}: {error}",
            )
        else:
            self.claim(True, "", str(info))

    # -- of what is refused

    def claim_refused(self, operation: str) -> None:
        """Claim that an operation is an error and changes no file.

        :param operation: ``connect``, which attaches the volume; ``create``
            of a snapshot; or ``delete`` of the newest one.
        """
        volume = self._volume()
        share = volume.deployment.share
        before = storage.contents(share)
        if operation == "connect":
            self._claim_not_connected(volume)
        else:
            self._claim_not_carried_out(volume, operation)
        after = storage.contents(share)
        changed = sorted(
            name
            for name in before.keys() | after.keys()
            if before.get(name) != after.get(name)
        )
        self.claim_equal([], changed, "files that were changed")

    def _claim_not_connected(self, volume: VolumeUnderTest) -> None:
        try:
            info = volume.connection_info()
        except Exception as error:  # whatever the driver raises
            self.claim(True, "", str(error))
        else:
            self.claim(
                False,
                "initialize_connection raises",
                f"it names {info.get('name')!r} as {info.get('format')!r}",
            )

    def _claim_not_carried_out(
        self, volume: VolumeUnderTest, operation: str
    ) -> None:
        if operation == "create":
            snapshot, failed = volume.start_snapshot(), "error"
        else:
            snapshot, failed = volume.snapshots[-1], "error_deleting"
            # By force where an earlier one was refused as well.
            snapshot.start_delete(force=snapshot.status == failed)
        volume.settle()
        self.claim_equal(failed, snapshot.status, "the snapshot's status")

    def claim_complete_raised(self, snapshot: SnapshotUnderTest) -> None:
        """Claim that whoever heard of the report did not believe it.

        :raises NotArranged: it did not come to a report.
        """
        assert self.deployment is not None
        legacy = self.subject.adapter.profile is Profile.LEGACY
        heard = LegacyCall.DELETE if legacy else Hook.DELETE_COMPLETE
        journal = self.deployment.journal
        calls = journal.calls(heard, snapshot.id)
        if not calls:
            made = "; ".join(map(str, journal.calls(snapshot_id=snapshot.id)))
            raise NotArranged(
                f"the compute service reports that the delete of "
                f"{snapshot.id} is done",
                f"it was not asked to, or reported an error: {made}",
            )
        self.claim(
            calls[-1].error is not None, f"{heard} raises", str(calls[-1])
        )
        self.claim_equal(
            "error_deleting", snapshot.status, "the snapshot's status"
        )
