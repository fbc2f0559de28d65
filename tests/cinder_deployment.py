# SPDX-License-Identifier: Apache-2.0
"""A deployment around Cinder's NfsDriver, on a database of Cinder's."""

from __future__ import annotations

import dataclasses

from assisted_kit.adapter import DriverAdapter
from assisted_kit.cinder.nfs import NfsAdapter
from assisted_kit.manager import VolumeManager
from assisted_kit.subject import REFERENCE_DRIVER
from assisted_kit.subject import Subject
from conformance import oracle
from conformance.deployment import Deployment
from conformance.volume import VolumeUnderTest
from reference_driver.driver import RemoteFSAssistedDriver

NFS_DRIVER = "cinder.volume.drivers.nfs:NfsDriver"


class CinderDeployment(Deployment):
    """NfsDriver under the kit's manager, until another driver takes over.

    :param database: the URL of the database.
    """

    def __init__(self, database: str, **options) -> None:
        subject = Subject(NFS_DRIVER, NfsAdapter(), database=database)
        super().__init__(subject, **options)

    def volume(self) -> CinderVolume:
        """A new volume."""
        return CinderVolume(self)

    def hand_over_to_the_reference_driver(self) -> None:
        """Go on with the reference driver on the same share and database."""
        self._hand_over(
            REFERENCE_DRIVER,
            DriverAdapter(
                RemoteFSAssistedDriver, {"export": NfsAdapter().share_name}
            ),
        )

    def hand_back_to_cinders_driver(self) -> None:
        """Go on with NfsDriver again."""
        self._hand_over(NFS_DRIVER, NfsAdapter())

    def _hand_over(self, driver: str, adapter: DriverAdapter) -> None:
        self.manager.stop()
        self.subject = dataclasses.replace(
            self.subject, driver=driver, adapter=adapter
        )
        self.driver = self.new_driver()
        self.manager = VolumeManager(
            self.driver,
            self.database,
            self.nova,
            self.notifier,
            context=self.context,
        )
        self.addCleanup(self.manager.stop)


class CinderVolume(VolumeUnderTest):
    """A volume that changes hands with its deployment."""

    def written_and_taken(self):
        """A snapshot, after the guest has written something new."""
        self.write()
        return self.take_snapshot()

    def read_back(self) -> None:
        """See that volume and snapshots hold what the guest wrote.

        :raises AssertionError: saying which does not, and how.
        """
        wrong = {what: how for how, what in self.differences() if how}
        assert not wrong, f"{wrong}; {self.draw()}"

    def clone(self):
        """A volume that is a clone of this one."""
        return self._volumes.clone(self.id)

    def volume_from(self, snapshot):
        """A volume that is created from a snapshot of this one."""
        return self._volumes.create_from_snapshot(snapshot.id)

    def extend(self, size) -> None:
        """Grow to ``size`` GiB."""
        self._volumes.extend(self.id, size)

    def read_copy_back(self, copy, ledger=None) -> None:
        """See that a copy of the volume holds what a ledger says.

        :param ledger: the volume's own unless given.
        """
        connection = self.deployment.driver.initialize_connection(
            copy, {"host": "kit"}
        )
        image = self.deployment.image(connection["data"])
        wrong = oracle.compare(image, ledger or self.ledger)
        assert not wrong, f"{wrong} in {image}"

    def delete(self) -> None:
        """Delete the volume."""
        self._volumes.delete(self.id)
