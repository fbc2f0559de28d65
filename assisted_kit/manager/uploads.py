# SPDX-License-Identifier: Apache-2.0
"""Uploading a volume as an image, its chain held meanwhile (bug 1267983)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assisted_kit.db.starts import NotAllowed
from assisted_kit.db.statuses import Statuses
from assisted_kit.db.statuses import VolumeStatus
from assisted_kit.manager.optional_methods import method_of
from assisted_kit.manager.volumes import VolumeOperations


class UploadOperations:
    """Calls ``copy_volume_to_image``.

    Only detached volumes are uploaded, which is what Cinder admits unless
    it is configured otherwise.
    """

    def __init__(
        self,
        driver: Any,
        volumes: VolumeOperations,
        statuses: Statuses,
        context: Any,
    ) -> None:
        self._driver = driver
        self._volumes = volumes
        self._statuses = statuses
        self._context = context

    def upload(
        self,
        volume_id: str,
        image_service: Any,
        image_meta: Mapping[str, Any],
    ) -> None:
        """Have the driver upload a volume; it is ``uploading`` meanwhile.

        Afterwards it is what it was before, in failure too.

        :param image_service: gets ``update(context, image_id, {}, file)``.
        :param image_meta: ``id``, ``disk_format``, ``container_format``.
        :raises NotFound: there is no such volume.
        :raises NotAllowed: it is not available.
        :raises NotSupported: the driver has no such method.
        """
        copy_volume_to_image = method_of(self._driver, "copy_volume_to_image")
        self._statuses.occupy(volume_id, VolumeStatus.UPLOADING)
        try:
            with self._volumes.exclusively(volume_id) as volume:
                if volume.attach_status == "attached":
                    raise NotAllowed(f"volume {volume_id} is attached")
                copy_volume_to_image(
                    self._context, volume, image_service, image_meta
                )
        finally:
            self._statuses.swap_volume(volume_id, VolumeStatus.UPLOADING, None)
