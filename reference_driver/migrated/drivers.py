# SPDX-License-Identifier: Apache-2.0
"""Cinder 29's RemoteFS drivers, migrated."""

from __future__ import annotations

from cinder.volume.drivers import nfs
from cinder.volume.drivers import quobyte
from cinder.volume.drivers import vzstorage

from assisted_kit.cinder.nfs import NfsAdapter
from reference_driver.migrated import mends
from reference_driver.migrated import mends_of_others
from reference_driver.migrated.hooks import AssistedSnapshots


class MigratedRemoteFS(
    mends.ReentrantBegin,
    mends.MissingFormats,
    mends.CheckedReports,
    mends.UnreportedMerges,
    AssistedSnapshots,
    mends.PendingOverlays,
    mends.SettledChains,
    mends.EncryptedVolumes,
    mends.RefusedLeftovers,
    mends.OwnFilesOnly,
    mends.NothingLeft,
    mends.WholeInfoFile,
    mends.RecordedFormats,
    mends.NamedFormats,
    mends.ParentOfEncrypted,
    mends.UnopenedBackingFiles,
    mends.RecordedCopies,
    mends.UnlinksLast,
):
    """Every mend and the hooks, to be put before a driver's class."""


class MigratedNfsDriver(MigratedRemoteFS, nfs.NfsDriver):
    """NfsDriver with the hooks; of the three it alone encrypts."""

    assisted_capabilities = frozenset(
        capability.name for capability in NfsAdapter.able
    )


class MigratedQuobyteDriver(
    mends_of_others.RecordedResize,
    mends_of_others.FormatInUse,
    mends_of_others.RestoringSources,
    MigratedRemoteFS,
    quobyte.QuobyteDriver,
):
    """QuobyteDriver with the hooks."""

    makes_volume_before_copy = False


class MigratedVZStorageDriver(
    mends_of_others.RecordedResize,
    mends_of_others.RecordsFormat,
    mends_of_others.NamesRaw,
    MigratedRemoteFS,
    mends_of_others.NoCachedInformation,
    vzstorage.VZStorageDriver,
):
    """VZStorageDriver with the hooks."""
