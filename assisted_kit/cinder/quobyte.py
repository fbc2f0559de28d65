# SPDX-License-Identifier: Apache-2.0
"""Cinder 29's QuobyteDriver, as the suite constructs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cinder.volume.drivers import quobyte

from assisted_kit.cinder.remotefs import HOST
from assisted_kit.cinder.remotefs import mount
from assisted_kit.cinder.remotefs import RemoteFSAdapter

URL = f"quobyte://{HOST}/volumes"


class QuobyteAdapter(RemoteFSAdapter):
    """Constructs QuobyteDriver, unmodified, with the options of its group."""

    driver_class = quobyte.QuobyteDriver
    prefix = "quobyte"
    own_options = quobyte.volume_opts

    def configuration(self, share: Path, base_format: str) -> dict[str, Any]:
        return {
            "quobyte_volume_url": URL,
            "nas_secure_file_operations": "false",
            "nas_secure_file_permissions": "false",
            **self.options,
        }

    @property
    def share_name(self) -> str:
        url = self.options.get("quobyte_volume_url", URL)
        return url.removeprefix("quobyte://")

    def base_option(self, base_format: str) -> dict[str, Any]:
        return {"quobyte_qcow2_volumes": base_format == "qcow2"}

    def have_mounted(self, driver: Any, share: Path) -> None:
        driver._mount_quobyte = lambda url, point, ensure=False: mount(
            Path(point), share
        )
