# SPDX-License-Identifier: Apache-2.0
"""Uploading a detached volume to the image service."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reference_driver.errors import ImageUnacceptable
from reference_driver.errors import InvalidVolume
from reference_driver.share import RemoteFSShare

FORMATS = ("raw", "qcow2")
"""``disk_format`` of images that are uploaded: of what volumes are made."""


class RemoteFSUploads(RemoteFSShare):
    """Copying what a volume holds, and nothing else, into an image."""

    def copy_volume_to_image(
        self,
        context: Any,
        volume: Any,
        image_service: Any,
        image_meta: Mapping[str, Any],
    ) -> None:
        """Upload the volume, its chain flattened (bug 1275977).

        The chain is validated before it is read, and read in the format
        that was recorded: a header that a guest has written leads nowhere
        (CVE-2015-1851).

        :param image_service: gets ``update(context, image_id, {}, file)``.
        :param image_meta: ``id`` and ``disk_format``.
        :raises InvalidVolume: the volume is attached, or encrypted.
        :raises ImageUnacceptable: the format or container is not made here.
        :raises ForeignImage: the chain is not as the driver made it.
        :raises ChainUnsettled: an earlier operation is in doubt.
        """
        if volume.attach_status == "attached":
            raise InvalidVolume(
                f"volume {volume.id} is attached: its guest writes to it"
            )
        if volume.encryption_key_id:
            raise InvalidVolume(
                f"volume {volume.id} is encrypted, and an image would not be"
            )
        format_ = _format(image_meta)
        files, _, chain = self._settled_chain(volume)
        with tempfile.TemporaryDirectory(
            prefix="upload-", dir=self._conversion
        ) as directory:
            path = Path(directory) / "image"
            active = chain.active
            self._qemu_img.convert(
                files.path(active.name), active.format, path, format_
            )
            with path.open("rb") as file:
                image_service.update(context, image_meta["id"], {}, file)


def _format(image_meta: Mapping[str, Any]) -> str:
    format_ = str(image_meta.get("disk_format"))
    container = image_meta.get("container_format") or "bare"
    if format_ not in FORMATS or container != "bare":
        raise ImageUnacceptable(
            f"image {image_meta['id']} is to be {format_} in {container}; "
            f"{' and '.join(FORMATS)} in bare are made here"
        )
    return format_
