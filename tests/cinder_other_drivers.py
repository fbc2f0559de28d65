# SPDX-License-Identifier: Apache-2.0
"""Cinder 29's QuobyteDriver and VZStorageDriver, as NfsAdapter has NfsDriver.

They make the same files as NfsDriver by other ways: Quobyte inspects with
``force-share``, Virtuozzo keeps what it inspected in files of its own
beside the images and an info file from the volume's first day on.
"""

from __future__ import annotations

from pathlib import Path

from cinder.volume import configuration
from cinder.volume import driver as volume_driver
from cinder.volume.drivers import quobyte
from cinder.volume.drivers import remotefs
from cinder.volume.drivers import vzstorage
from cinder_nfs import admin_context
from cinder_nfs import CONF
from cinder_nfs import group_of_options
from cinder_nfs import mount
from cinder_nfs import NfsAdapter
from cinder_nfs import without_probe


class QuobyteAdapter(NfsAdapter):
    """Constructs QuobyteDriver on a directory that stands in for it."""

    share_name = "192.0.2.7/volumes"
    driver_class = quobyte.QuobyteDriver

    def construct(self, share, *, base_format="raw", execute=None):
        group, base = group_of_options("quobyte")
        options = configuration.Configuration(
            [
                *volume_driver.volume_opts,
                *remotefs.nas_opts,
                *quobyte.volume_opts,
            ],
            config_group=group,
        )
        for name, value in {
            "quobyte_volume_url": f"quobyte://{self.share_name}",
            "quobyte_qcow2_volumes": base_format == "qcow2",
            "quobyte_mount_point_base": str(base),
            "nas_secure_file_operations": "false",
            "nas_secure_file_permissions": "false",
        }.items():
            CONF.set_override(name, value, group)
        driver = self.driver_class(configuration=options)
        driver._execute = without_probe(driver._execute)
        driver._mount_quobyte = lambda url, point, ensure=False: mount(
            Path(point), share
        )
        driver.do_setup(admin_context())
        driver.check_for_setup_error()
        driver._ensure_shares_mounted()
        return driver


class VZStorageAdapter(NfsAdapter):
    """Constructs VZStorageDriver on a directory that stands in for it."""

    share_name = "volumes"
    driver_class = vzstorage.VZStorageDriver

    def construct(self, share, *, base_format="raw", execute=None):
        group, base = group_of_options("vzstorage")
        base.mkdir(parents=True)
        shares = base.with_suffix(".shares")
        shares.write_text(f"{self.share_name} []\n")
        options = configuration.Configuration(
            [
                *volume_driver.volume_opts,
                *remotefs.nas_opts,
                *vzstorage.vzstorage_opts,
            ],
            config_group=group,
        )
        for name, value in {
            "vzstorage_shares_config": str(shares),
            "vzstorage_default_volume_format": base_format,
            "vzstorage_mount_point_base": str(base),
        }.items():
            CONF.set_override(name, value, group)
        driver = self.driver_class(configuration=options)
        driver._execute = without_probe(driver._execute)
        client = driver._remotefsclient
        client.mount = lambda name, flags=None: mount(
            Path(client.get_mount_point(name)), share
        )
        driver.do_setup(admin_context())
        driver.check_for_setup_error()
        driver._ensure_shares_mounted()
        return driver
