# SPDX-License-Identifier: Apache-2.0
"""Cinder 29's VZStorageDriver, as the suite constructs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cinder.volume.drivers import vzstorage

from assisted_kit.cinder import service
from assisted_kit.cinder.remotefs import mounted_by_client
from assisted_kit.cinder.remotefs import RemoteFSAdapter


class VZStorageAdapter(RemoteFSAdapter):
    """Constructs VZStorageDriver, unmodified, with its group's options."""

    driver_class = vzstorage.VZStorageDriver
    prefix = "vzstorage"
    own_options = vzstorage.vzstorage_opts

    def configuration(self, share: Path, base_format: str) -> dict[str, Any]:
        shares = service.mounts_of(share).with_suffix(".shares")
        shares.parent.mkdir(parents=True, exist_ok=True)
        shares.write_text(f"{self.share_name} []\n")
        return {
            **self.options,
            "vzstorage_shares_config": str(shares),
        }

    @property
    def share_name(self) -> str:
        return "volumes"

    def base_option(self, base_format: str) -> dict[str, Any]:
        return {"vzstorage_default_volume_format": base_format}

    def have_mounted(self, driver: Any, share: Path) -> None:
        mounted_by_client(driver, share)
