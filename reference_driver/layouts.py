# SPDX-License-Identifier: Apache-2.0
"""The layouts of shares in the RemoteFS family, to run the driver through.

Each is an adapter that configures the driver as an operator does, so that
``assisted-kit run --driver reference_driver.layouts:MountedByHash`` verifies
the driver on such a share.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assisted_kit.adapter import DriverAdapter
from assisted_kit.capabilities import Capability
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.share import mounted_in

EXPORT = "192.0.2.7:/srv/volumes"
"""What a share is called that a directory stands in for."""


class Layout(DriverAdapter):
    """Constructs the reference driver with a layout's options."""

    driver_class: type[Any] = RemoteFSAssistedDriver

    @property
    def name(self) -> str:
        """The layout's own: they all have the driver in common."""
        return f"{type(self).__module__}:{type(self).__name__}"

    def layout(self, share: Path) -> dict[str, str]:
        """The options that make the layout."""
        raise NotImplementedError

    def configuration(self, share: Path, base_format: str) -> dict[str, Any]:
        return {
            **super().configuration(share, base_format),
            **self.layout(share),
        }


class MountedByHash(Layout):
    """The share is mounted in a directory named after its export's MD5.

    So it is with NfsDriver and its siblings.  A link stands in for the
    mount.
    """

    def layout(self, share: Path) -> dict[str, str]:
        point = self._point(share)
        if not point.is_symlink():
            point.parent.mkdir(exist_ok=True)
            point.symlink_to(share, target_is_directory=True)
        return {"export": EXPORT, "mount_point_base": str(point.parent)}

    def mount_point(self, driver: Any, share: Path) -> Path:
        return self._point(share)

    def _point(self, share: Path) -> Path:
        # Beside the share, where the driver of another process finds it.
        return mounted_in(share.with_name(f"{share.name}.mnt"), EXPORT)


class OpenToAll(Layout):
    """Everybody may read and write images: mode 666 instead of 660.

    So it is with ``nas_secure_file_permissions`` false, where the compute
    service runs as somebody else and shares no group.
    """

    def layout(self, share: Path) -> dict[str, str]:
        return {"nas_secure_file_permissions": "false"}


class OwnedByRoot(Layout):
    """The service makes and changes files as root, by way of a root helper.

    So it is with ``nas_secure_file_operations`` false. What root has made is
    open to all, since the service itself reads the headers of images.
    """

    def layout(self, share: Path) -> dict[str, str]:
        return {
            "nas_secure_file_operations": "false",
            "nas_secure_file_permissions": "false",
        }


class WithExtension(Layout):
    """The names of images end in an extension, as with SMB's driver.

    Base images are qcow2 there: of names that begin like the volume's and go
    on with a dot, the status API takes no other format (contract section 7).
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        others = {Capability.cinder_share_layout, Capability.raw_base}
        return super().capabilities - others

    def layout(self, share: Path) -> dict[str, str]:
        return {"image_extension": ".img"}


class IgnoresCase(Layout):
    """The share ignores the case of names, as SMB's do.

    Where it does not, only what is compared differs.
    """

    def layout(self, share: Path) -> dict[str, str]:
        return {"ignores_case": "true"}


LAYOUTS = (MountedByHash, OpenToAll, OwnedByRoot, WithExtension, IgnoresCase)
