# SPDX-License-Identifier: Apache-2.0
"""What the driver raises, named as Cinder's exceptions where it has one."""

from __future__ import annotations


class RemoteFSException(Exception):
    """Base of everything that the driver raises on purpose."""


class InvalidVolume(RemoteFSException):
    """The volume is not in a state for what was asked."""


class InvalidSnapshot(RemoteFSException):
    """The snapshot is not one for what was asked."""


class ImageUnacceptable(RemoteFSException):
    """The image service asks for a format that is not made here."""


class KeyNotFound(RemoteFSException):
    """The key of an encrypted volume cannot be had."""


class ExtendVolumeError(RemoteFSException):
    """The volume cannot be extended now; nothing was changed."""


class ForeignImage(RemoteFSException):
    """An image on the share is not what the driver put there.

    It names a file that is not the volume's own, has a format other than
    the recorded one, or a size beyond the volume's (contract section 8).
    """


class DamagedInfoFile(RemoteFSException):
    """The info file is missing, unreadable or names foreign files.

    It is never taken for "no snapshots" (contract section 3).
    """


class ChainUnsettled(RemoteFSException):
    """The outcome of an earlier operation on the chain is in doubt.

    Only the delete of the snapshot concerned goes ahead (section 5).
    """


class WorkNotDone(RemoteFSException):
    """The compute service reported done, and the chain says otherwise."""
