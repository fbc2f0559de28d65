# SPDX-License-Identifier: Apache-2.0
"""Cinder 29's NfsDriver, as the suite constructs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cinder.volume.drivers import nfs

from assisted_kit.capabilities import Capability
from assisted_kit.cinder.remotefs import ABLE
from assisted_kit.cinder.remotefs import HOST
from assisted_kit.cinder.remotefs import mounted_by_client
from assisted_kit.cinder.remotefs import RemoteFSAdapter

EXPORT = "/srv/volumes"


class NfsAdapter(RemoteFSAdapter):
    """Constructs NfsDriver, unmodified, with the options of its group."""

    driver_class = nfs.NfsDriver
    able = ABLE | {Capability.encryption}
    prefix = "nfs"
    own_options = nfs.nfs_opts

    def configuration(self, share: Path, base_format: str) -> dict[str, Any]:
        return {
            "nas_host": HOST,
            "nas_share_path": EXPORT,
            "nas_secure_file_operations": "false",
            "nas_secure_file_permissions": "false",
            "nfs_snapshot_support": True,
            **self.options,
        }

    @property
    def share_name(self) -> str:
        host = self.options.get("nas_host", HOST)
        return f"{host}:{self.options.get('nas_share_path', EXPORT)}"

    def base_option(self, base_format: str) -> dict[str, Any]:
        return {"nfs_qcow2_volumes": base_format == "qcow2"}

    def have_mounted(self, driver: Any, share: Path) -> None:
        mounted_by_client(driver, share)
