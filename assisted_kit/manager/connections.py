# SPDX-License-Identifier: Apache-2.0
"""Connection information of existing attachments (contract section 4).

Nova reads it again exactly when a snapshot's status leaves ``creating`` or
``deleting``, so it is brought up to date before that, in failure too.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from assisted_kit.db.database import Database
from assisted_kit.db.references import NotFound
from assisted_kit.errors import AssistedKitError
from assisted_kit.refs import AttachmentRef
from assisted_kit.refs import VolumeRef

LOG = logging.getLogger(__name__)


class NoConnectionInfo(AssistedKitError):
    """The driver does not say what an attachment should use."""


def to_be_stored(volume_id: str, connection: Any) -> dict[str, Any]:
    """What is stored with a new attachment: flat, without the nested dict.

    :param connection: what ``initialize_connection`` returned.
    :raises NoConnectionInfo: it cannot be stored.
    """
    try:
        info = {
            "driver_volume_type": connection["driver_volume_type"],
            **connection["data"],
        }
        json.dumps(info)
    except (LookupError, TypeError, ValueError) as error:
        raise NoConnectionInfo(
            f"what initialize_connection of volume {volume_id} returned "
            f"cannot be stored: {type(error).__name__}: {error}"
        ) from error
    return info


class Connections:
    """Asks the driver what an attachment should use now."""

    def __init__(self, driver: Any, database: Database, context: Any) -> None:
        self._driver = driver
        self._database = database
        self._context = context

    def current(self, volume_id: str) -> dict[str, dict[str, Any]]:
        """The connection information of each attachment, by its id.

        The returned ``data`` is merged into what is stored.

        :raises NoConnectionInfo: the driver raised, or returned what
            cannot be stored.
        :raises NotFound: there is no such volume.
        """
        volume = self._volume(volume_id)
        return {
            attachment.id: self._of(volume, attachment)
            for attachment in volume.volume_attachment
        }

    def if_possible(self, volume_id: str) -> dict[str, dict[str, Any]]:
        """Like :meth:`current`, for an operation that has failed already.

        What the driver raises then is logged: the failure stands, and the
        attachment keeps the information that it has.
        """
        try:
            volume = self._volume(volume_id)
        except NotFound:
            return {}
        found = {}
        for attachment in volume.volume_attachment:
            try:
                found[attachment.id] = self._of(volume, attachment)
            except NoConnectionInfo:
                LOG.exception(
                    "the connection information of attachment %s of volume "
                    "%s is left as it is",
                    attachment.id,
                    volume_id,
                )
        return found

    def _volume(self, volume_id: str) -> VolumeRef:
        return self._database.references.volume(
            volume_id, context=self._context, writable=True
        )

    def _of(
        self, volume: VolumeRef, attachment: AttachmentRef
    ) -> dict[str, Any]:
        try:
            connection = self._driver.initialize_connection(
                volume, attachment.connector
            )
            info = {**attachment.connection_info, **connection["data"]}
            json.dumps(info)
        except Exception as error:
            raise NoConnectionInfo(
                f"initialize_connection of volume {volume.id} failed for "
                f"attachment {attachment.id}: {error}"
            ) from error
        return info
