# SPDX-License-Identifier: Apache-2.0
"""The base of every conformance test: one rule, its claims, its evidence."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import TypeVar

import testtools
from testtools.content import text_content

from assisted_kit import subject as subjects
from assisted_kit.capabilities import Capability
from assisted_kit.driver import Hook
from assisted_kit.driver import LegacyCall
from assisted_kit.errors import AssistedKitError
from assisted_kit.image import Image
from assisted_kit.rules import Profile
from assisted_kit.rules import Rule
from assisted_kit.subject import Subject
from conformance import catalogue
from conformance import oracle
from conformance import storage
from conformance.deployment import Deployment
from conformance.oracle import Difference
from conformance.patience import Patience
from conformance.rows import REQUIRES
from conformance.violation import describe
from conformance.violation import Evidence
from conformance.violation import Violation
from conformance.volume import OperationFailed
from conformance.volume import SnapshotUnderTest
from conformance.volume import VolumeUnderTest
from conformance.watch.secrets import hidden
from fakes.compute import Generation

LOGGED = 20
"""Records of the driver's log that a message shows."""

LOG = logging.getLogger(__name__)

Test = TypeVar("Test", bound=Callable[..., Any])


class UndeclaredUse(AssistedKitError):
    """A test uses an ability of the driver that it does not declare."""


class NotExercised(AssistedKitError):
    """A test ended well, and had not evaluated the claim of its rule."""


def verifies(rule_id: str) -> Callable[[Test], Test]:
    """Name the rule that a test verifies.

    :raises KeyError: there is no such rule.
    """
    rule = catalogue.BY_ID[rule_id]

    def name(test: Test) -> Test:
        test.assisted_rule = rule  # type: ignore[attr-defined]
        return test

    return name


def reports(test: Test) -> Test:
    """Mark a test of no rule, which finds something out and judges nothing."""
    test.assisted_probe = True  # type: ignore[attr-defined]
    return test


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_shown(part) for part in value)
    return str(value) if isinstance(value, Image) else repr(value)


class ConformanceTest(testtools.TestCase):
    """A test whose claims about the driver are counted and explained.

    What a failing test says is in ``assisted_message``, and how often its
    claim was evaluated in ``assisted_evidence``.
    """

    assisted_evidence = 0
    assisted_message = ""

    assisted_summary = ""
    """The rule and what was observed, in a line."""

    assisted_skip = ""
    """Why it says nothing: ``capability``, ``profile``, ``no evidence``."""

    assisted_works = ""
    """The capability that a test of no rule saw working, if it did."""

    assisted_interrupted = False
    """Whether Ctrl-C was pressed during the test."""

    @classmethod
    def assisted_subject(cls) -> Subject:
        """The driver that the class is about."""
        return subjects.from_environment()

    @property
    def assisted_stuck(self) -> bool:
        """Whether a hook was given up, whose thread is still at it."""
        deployment = getattr(self, "deployment", None)
        patience: Patience | None = getattr(deployment, "patience", None)
        return patience is not None and patience.is_lost

    @property
    def assisted_rule(self) -> Rule:
        """The rule that the test verifies.

        :raises AttributeError: it is a test of no rule.
        """
        test = getattr(self, self._testMethodName)
        rule: Rule = test.assisted_rule
        return rule

    @property
    def assisted_probe(self) -> bool:
        """Whether the test is of no rule."""
        test = getattr(self, self._testMethodName)
        return getattr(test, "assisted_probe", False)

    def setUp(self) -> None:
        super().setUp()
        self.volume: VolumeUnderTest | None = None
        self.deployment: Deployment | None = None
        self._troubles = 0
        self.addOnException(self._explain)
        # Clean-up is last in, first out, so this is the last word.
        self.addCleanup(self._see_evidence)
        self.subject = self.assisted_subject()
        if not self.assisted_probe:
            self._skip_unless_it_applies()

    @property
    def assisted_requires(self) -> frozenset[Capability]:
        """What the test uses, its arrangement and its row included."""
        test = getattr(self, self._testMethodName)
        # A vendor's class has tests of many classes.
        home = next(
            c for c in reversed(type(self).__mro__) if test.__name__ in vars(c)
        )
        marked = (test, *home.__mro__)
        return frozenset(self.assisted_rule.requires).union(
            *(vars(where).get(REQUIRES, ()) for where in marked)
        )

    def uses(self, capability: Capability) -> None:
        """See that the test says what it uses of the driver.

        :raises UndeclaredUse: it does not, so it would fail drivers that
            declare that they cannot do it.
        """
        if self.assisted_probe:
            return
        if capability not in self.assisted_requires:
            raise UndeclaredUse(
                f"{self.id()} uses {capability.name} and does not say so"
            )

    def _skip_unless_it_applies(self) -> None:
        adapter = self.subject.adapter
        profile = adapter.profile
        if profile not in self.assisted_rule.profiles:
            self.assisted_skip = "profile"
            self.skipTest(f"the rule is not for {profile} drivers")
        for capability in sorted(
            self.assisted_requires - adapter.capabilities,
            key=lambda c: c.name,
        ):
            self.assisted_skip = "capability"
            self.skipTest(
                f"the driver does not declare {capability.name}: "
                f"{capability.sentence}"
            )

    def skip_if_declared(self, capability: Capability) -> None:
        """Leave it to the rules that require it."""
        if capability in self.subject.adapter.capabilities:
            self.assisted_skip = "capability"
            self.skipTest(f"the driver declares {capability.name}")

    # -- arranging

    def deploy(
        self,
        base: str | None = None,
        *,
        generation: Generation = Generation.DUAL,
    ) -> Deployment:
        """A volume service and a compute service around the driver.

        :param base: the format of new volumes' base images; one that the
            driver has unless it matters.
        """
        if base is None:
            base = self.subject.adapter.bases[0]
        else:
            self.uses(Capability[f"{base}_base"])
        # Known before it is set up, so that its trouble is known as well.
        self.deployment = Deployment(
            self.subject, base_format=base, generation=generation
        )
        return self.useFixture(self.deployment)

    def given_volume(
        self,
        base: str | None = None,
        *,
        attached: bool = False,
        snapshots: int = 0,
        generation: Generation = Generation.DUAL,
        name_id: str | None = None,
        writes: bool = True,
    ) -> VolumeUnderTest:
        """A volume that its guest wrote to before and after snapshots.

        :param name_id: names its files in place of its id.
        :param writes: false where it does not matter what is in it, which
            saves time.
        """
        volume = VolumeUnderTest(
            self.deploy(base, generation=generation), name_id=name_id
        )
        self.volume = volume
        if attached:
            volume.attach()
        if writes:
            volume.write()
        for _ in range(snapshots):
            volume.take_snapshot()
            if writes:
                volume.write()
        return volume

    # -- claiming

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

    def claim_complete_raised(self, snapshot: SnapshotUnderTest) -> None:
        """Claim that whoever heard of the report did not believe it."""
        assert self.deployment is not None
        legacy = self.subject.adapter.profile is Profile.LEGACY
        heard = LegacyCall.DELETE if legacy else Hook.DELETE_COMPLETE
        calls = self.deployment.journal.calls(heard, snapshot.id)
        assert calls, "the compute service has not reported done"
        self.claim(
            calls[-1].error is not None, f"{heard} raises", str(calls[-1])
        )
        self.claim_equal(
            "error_deleting", snapshot.status, "the snapshot's status"
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
            snapshot.start_delete()
        volume.settle()
        self.claim_equal(failed, snapshot.status, "the snapshot's status")

    def claim_everything_reads_back(self) -> None:
        """Claim that the volume and every snapshot read as they should."""
        volume = self._volume()
        self.claim_same(
            volume.difference(), "the volume, after what its guest wrote"
        )
        for snapshot in volume.snapshots:
            self.claim_same(
                volume.snapshot_difference(snapshot),
                f"snapshot {snapshot.id}, as it was when it was taken",
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

    def claim_copy_reads_back(self, snapshot: Any) -> None:
        """Claim that a volume created from a snapshot reads as it."""
        self.uses(Capability.create_from_snapshot)
        self.claim_same(
            self._volume().copy_difference(snapshot),
            f"a volume created from snapshot {snapshot.id}",
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

    def _volume(self) -> VolumeUnderTest:
        assert self.volume is not None, "the test has no volume yet"
        return self.volume

    # -- explaining

    def _see_evidence(self) -> None:
        """Passing is not enough: the claim must have been evaluated.

        :raises NotExercised: it was not, though nothing went wrong.
        """
        if self.assisted_probe:
            return
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
            self.assisted_message += (
                f"\n\nand then        {type(error).__name__}: {error}"
            )
            return
        match error:
            case Violation():
                self.assisted_message = str(error)
                return
            case OperationFailed():
                # The operation is part of what the rule claims to work.
                self.assisted_evidence += 1
                self.assisted_message = self._message(
                    error.expected, error.observed
                )
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
        return describe(
            rule,
            expected,
            observed,
            self._evidence(),
            shlex.join(self._repeat()),
        )

    def _repeat(self) -> list[str]:
        """The command line that runs the test again."""
        options = self.subject.options
        rule_id = self.assisted_rule.id
        return ["assisted-kit", "run", *options, "--rule", rule_id]

    def _evidence(self) -> Evidence:
        deployment, volume = self.deployment, self.volume
        if deployment is None or not hasattr(deployment, "nova"):
            return Evidence()
        # The last operation is what the reader needs; what the arrangement
        # did before it would bury that.
        calls = deployment.journal.calls()
        last = calls[-1].snapshot_id if calls else None
        failures = [call.traceback() for call in calls if call.error]
        return Evidence(
            chain_before=volume.chain_before if volume else "",
            chain_after=volume.draw() if volume else "",
            hooks=[str(call) for call in calls if call.snapshot_id == last],
            nova=[
                str(entry)
                for entry in deployment.nova.history
                if last is not None and last in str(entry)
            ],
            commands=[hidden(str(c)) for c in deployment.watch.commands(last)],
            log=[hidden(str(r)) for r in deployment.watch.log(last)[-LOGGED:]],
            traceback=failures[-1] if failures else "",
            names=volume.names() if volume else {},
        )
