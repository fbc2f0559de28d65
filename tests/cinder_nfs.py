# SPDX-License-Identifier: Apache-2.0
"""Cinder 29's NfsDriver, unmodified, as the kit's suite handles it.

What a volume service sets up around a driver is set up here, for the whole
process: this module belongs into a process of its own (`cinder_process`).
No share is mounted: a link stands in for the mount.
"""

from __future__ import annotations

import itertools
import shutil
import threading
from pathlib import Path

from cinder import context
from cinder import coordination
from cinder import objects
from cinder import utils
from cinder.common import config  # noqa: F401 - declares state_path
from cinder.db import api as db_api
from cinder.db import migration
from cinder.image import image_utils  # noqa: F401 - declares its directory
from cinder.privsep import sys_admin_pctxt
from cinder.volume import configuration
from cinder.volume import driver as volume_driver
from cinder.volume.drivers import nfs
from cinder.volume.drivers import remotefs
from oslo_concurrency import processutils
from oslo_config import cfg

from assisted_kit.adapter import DriverAdapter
from assisted_kit.capabilities import Capability
from assisted_kit.notifier import Reported

CONF = cfg.CONF
HOST = "192.0.2.7"
EXPORT = "/srv/volumes"
SHARE = f"{HOST}:{EXPORT}"
"""The share's name: what a volume has as its ``provider_location``."""

_numbers = itertools.count(1)


def set_up(directory: Path) -> str:
    """Make this process one that Cinder's drivers run in.

    :returns: the URL of a database of Cinder's.
    """
    file = directory / "cinder.db"
    url = f"sqlite:///{file}"
    CONF([], project="cinder", default_config_files=[])
    for name, value, group in (
        ("state_path", str(directory), None),
        ("image_conversion_dir", str(directory / "conversion"), None),
        ("connection", url, "database"),
        ("backend_url", f"file://{directory}", "coordination"),
        ("lock_path", str(directory / "locks"), "oslo_concurrency"),
    ):
        CONF.set_override(name, value, group)
    objects.register_all()
    migration.db_sync()
    # As Cinder's migrations made it, for :func:`start_afresh`.
    shutil.copyfile(file, _as_migrated(file))
    coordination.COORDINATOR.start()
    # The inspector of image formats runs in this process then.
    sys_admin_pctxt.set_client_mode(False)
    # Whoever is not root has no rootwrap here.
    utils.get_root_helper = lambda: "env"
    # A limit starts a Python interpreter before each ``qemu-img info``.
    processutils.ProcessLimits = lambda **limits: None
    return url


def start_afresh(url: str) -> None:
    """Make the database again what Cinder's migrations made it."""
    file = Path(url.removeprefix("sqlite:///"))
    db_api.get_engine().dispose()
    for suffix in ("", "-wal", "-shm"):
        file.with_name(f"{file.name}{suffix}").unlink(missing_ok=True)
    shutil.copyfile(_as_migrated(file), file)


def _as_migrated(file: Path) -> Path:
    return file.with_name("cinder-29.db")


def admin_context():
    """The context that Cinder's volume manager calls its drivers with."""
    return context.get_admin_context()


def snapshot_of_cinders(snapshot_id):
    """A snapshot as Cinder itself has it."""
    return objects.Snapshot.get_by_id(admin_context(), snapshot_id)


def group_of_options(kind: str) -> tuple[str, Path]:
    """A group of a driver's options, and where its shares are mounted."""
    number = next(_numbers)
    return f"{kind}-{number}", Path(CONF.state_path, "mnt", str(number))


class NfsAdapter(DriverAdapter):
    """Constructs NfsDriver on a directory that stands in for the share."""

    share_name = SHARE
    """What a volume has as its ``provider_location``."""
    _driver_class = nfs.NfsDriver

    def __init__(self) -> None:
        super().__init__(self._driver_class, declared=frozenset(Capability))

    def configuration(self, share, base_format):
        return {
            "nas_host": HOST,
            "nas_share_path": EXPORT,
            "nas_secure_file_operations": "false",
            "nas_secure_file_permissions": "false",
            "nfs_snapshot_support": True,
            "nfs_qcow2_volumes": base_format == "qcow2",
        }

    def construct(self, share, *, base_format="raw", execute=None):
        # The driver does not take an ``execute``: it uses Cinder's.
        group, base = group_of_options("nfs")
        options = configuration.Configuration(
            [*volume_driver.volume_opts, *remotefs.nas_opts, *nfs.nfs_opts],
            config_group=group,
        )
        values = self.configuration(share, base_format)
        values["nfs_mount_point_base"] = str(base)
        for name, value in values.items():
            CONF.set_override(name, value, group)
        driver = self.driver_class(configuration=options)
        driver._execute = without_probe(driver._execute)
        client = driver._remotefsclient
        client.mount = lambda name, flags=None: mount(
            Path(client.get_mount_point(name)), share
        )
        driver.do_setup(admin_context())
        driver.check_for_setup_error()
        return driver


def without_probe(execute):
    """``execute``, with every ``mount.*`` taken to be installed."""

    def run(*words, **options):
        if len(words) == 1 and words[0].startswith("mount."):
            return "", ""
        return execute(*words, **options)

    return run


def mount(point: Path, share: Path) -> None:
    """Have a link stand in for the mount of a share."""
    point.parent.mkdir(parents=True, exist_ok=True)
    if not point.is_symlink():
        point.symlink_to(share, target_is_directory=True)


class ReportedTime:
    """The ``time`` of a driver that sleeps until a report may be there.

    It wakes when something was reported, and by the clock never: who waits
    in vain, waits until :meth:`fly` lets its whole time pass at once.
    """

    def __init__(self) -> None:
        self._reports = 0
        self._flies = False
        self._changed = threading.Condition()
        self._seen = threading.local()

    def sleep(self, seconds: float) -> None:
        """Wait for the next report that this thread has not woken for."""
        with self._changed:
            # A report may have come in since the driver looked.
            seen = getattr(self._seen, "reports", 0)
            self._changed.wait_for(lambda: self._flies or self._reports > seen)
            self._seen.reports = self._reports

    def fly(self) -> None:
        """Let every sleep be over at once from now on."""
        with self._changed:
            self._flies = True
            self._changed.notify_all()

    def listen(self, notification) -> None:
        """Hear of reports, as a listener of the notifier's."""
        if isinstance(notification, Reported):
            with self._changed:
                self._reports += 1
                self._changed.notify_all()
