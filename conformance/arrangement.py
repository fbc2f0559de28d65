# SPDX-License-Identifier: Apache-2.0
"""What a test begins with: a deployment around the driver, and a volume."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from assisted_kit.capabilities import Capability
from conformance.applicability import ApplicableTest
from conformance.deployment import Deployment
from conformance.observed import raised_by
from conformance.patience import Patience
from conformance.snapshot import SnapshotUnderTest
from conformance.violation import NotArranged
from conformance.violation import OperationFailed
from conformance.volume import VolumeUnderTest
from fakes.compute import Generation
from fakes.compute import HypervisorError


class Trouble(NamedTuple):
    """Something that the driver has not done as it should."""

    expected: str
    observed: str

    @classmethod
    def behind(cls, error: BaseException) -> Trouble | None:
        """What an exception says of the driver, if it does."""
        if isinstance(error, OperationFailed):
            return cls(error.expected, error.observed)
        if isinstance(error, HypervisorError):
            # A guest's I/O, which the driver's images are for.
            return cls("the guest can use its volume", str(error))
        if method := raised_by(error):
            raised = f"it raises {type(error).__name__}: {error}"
            return cls(f"{method} returns", raised)
        return None


class ArrangedTest(ApplicableTest):
    """A test that has what it asked for set up, and cleaned up after it."""

    deployment: Deployment | None = None
    """What was set up last."""

    volume: VolumeUnderTest | None = None
    """The one that is claimed something about, and drawn if that fails."""

    @property
    def assisted_stuck(self) -> bool:
        """Whether a hook was given up, whose thread is still at it."""
        return self._patience is not None and self._patience.is_lost

    @property
    def _has_given_up(self) -> bool:
        """Whether a hook was waited for in vain."""
        return self._patience is not None and bool(self._patience.given_up)

    @property
    def _patience(self) -> Patience | None:
        # A deployment that could not be set up has none yet.
        return getattr(self.deployment, "patience", None)

    def deploy(
        self,
        base: str | None = None,
        *,
        generation: Generation = Generation.DUAL,
        prepare_share: Callable[[Path], object] = lambda directory: None,
    ) -> Deployment:
        """A volume service and a compute service around the driver.

        :param base: the format of new volumes' base images; one that the
            driver has unless it matters.
        :param prepare_share: called with the share's directory before there
            is a driver.
        """
        if base is None:
            base = self.subject.adapter.bases[0]
        else:
            self.uses(Capability[f"{base}_base"])
        # Known before it is set up, so that its trouble is known as well.
        self.deployment = Deployment(
            self.subject,
            base_format=base,
            generation=generation,
            prepare_share=prepare_share,
        )
        return self.useFixture(self.deployment)

    @contextmanager
    def arranging(self) -> Iterator[None]:
        """Do what the test begins with, and its rule says nothing of.

        :raises NotArranged: the driver does not do it.
        """
        try:
            yield
        except Exception as error:
            trouble = Trouble.behind(error)
            # A hook that does not return may end the run: it is said here.
            if trouble is None or self._has_given_up:
                raise
            raise NotArranged(*trouble) from error

    def given_volume(
        self,
        base: str | None = None,
        *,
        attached: bool = False,
        snapshots: int = 0,
        generation: Generation = Generation.DUAL,
        size: int = 1,
        name_id: str | None = None,
        writes: bool = True,
        prepare_share: Callable[[Path], object] = lambda directory: None,
    ) -> VolumeUnderTest:
        """A volume that its guest wrote to before and after snapshots.

        :param size: in GiB.
        :param name_id: names its files in place of its id.
        :param writes: false where it does not matter what is in it, which
            saves time.
        :param prepare_share: called with the share's directory before there
            is a driver.
        """
        deployment = self.deploy(
            base, generation=generation, prepare_share=prepare_share
        )
        with self.arranging():
            volume = VolumeUnderTest(deployment, size=size, name_id=name_id)
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

    def given_snapshot(self, volume: VolumeUnderTest) -> SnapshotUnderTest:
        """One more, of which the rule says more than that it is taken."""
        with self.arranging():
            return volume.take_snapshot()

    def _volume(self) -> VolumeUnderTest:
        assert self.volume is not None, "the test has no volume yet"
        return self.volume
