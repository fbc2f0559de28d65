# SPDX-License-Identifier: Apache-2.0
"""Drivers with the hooks as they plug into a Cinder that calls none."""

from __future__ import annotations

from assisted_kit.cinder.blocking import BlockingSnapshots
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.migrated.drivers import MigratedNfsDriver


class BlockingRemoteFSDriver(BlockingSnapshots, RemoteFSAssistedDriver):
    """The reference driver, its hooks called by itself."""


class BlockingNfsDriver(BlockingSnapshots, MigratedNfsDriver):
    """The migrated NfsDriver, its hooks called by itself."""
