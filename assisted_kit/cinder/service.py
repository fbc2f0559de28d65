# SPDX-License-Identifier: Apache-2.0
"""What a volume service of Cinder's sets up around its drivers.

Cinder keeps its configuration, its locks and its database connection per
process, so this is for a whole process.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import itertools
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from castellan import key_manager
from cinder import context
from cinder import coordination
from cinder import objects
from cinder import utils
from cinder.common import config  # noqa: F401 - declares state_path
from cinder.db import api
from cinder.db import migration
from cinder.image import image_utils  # noqa: F401 - declares its directory
from cinder.privsep import sys_admin_pctxt
from cinder.volume import volume_utils
from oslo_concurrency import processutils
from oslo_config import cfg
from oslo_log import log
from sqlalchemy import event
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import interfaces

from assisted_kit.cinder import keys
from assisted_kit.db.volumes import DEFAULT_VOLUME_TYPE
from assisted_kit.errors import AssistedKitError

CONF = cfg.CONF

_DATABASE = "cinder.db"
_PLUGIN = "assisted_kit_lock_at_once"
_BUSY_TIMEOUT = 60
"""Seconds that whoever wants SQLite's lock waits for the others."""

_numbers = itertools.count(1)


class AnotherDatabase(AssistedKitError):
    """Cinder's drivers are to use a database that Cinder does not."""


def set_up(directory: Path) -> str:
    """Make this process one that Cinder's drivers run in.

    :param directory: for state, locks and the database.
    :returns: the URL of the database, made by Cinder's migrations.
    """
    url = _set_up(directory)
    migration.db_sync()
    _make_volume_type()
    return url


def _make_volume_type() -> None:
    """Have the type that the kit's volumes are of.

    The kit's own data model has no types, Cinder's objects look theirs up.
    """
    api.volume_type_create(
        context.get_admin_context(),
        {"id": DEFAULT_VOLUME_TYPE, "name": "assisted-kit", "extra_specs": {}},
    )


def _set_up(directory: Path) -> str:
    url = f"sqlite:///{directory / _DATABASE}?timeout={_BUSY_TIMEOUT}"
    for level in log.get_default_log_levels():
        name, _, least = level.partition("=")
        logging.getLogger(name).setLevel(least)
    CONF([], project="cinder", default_config_files=[])
    CONF.register_opts(key_manager.key_manager_opts, group="key_manager")
    for name, value, group in (
        ("state_path", str(directory), None),
        ("image_conversion_dir", str(directory / "conversion"), None),
        ("connection", _with_plugin(url), "database"),
        ("backend_url", f"file://{directory}", "coordination"),
        ("lock_path", str(directory / "locks"), "oslo_concurrency"),
        ("backend", keys.BACKEND, "key_manager"),
    ):
        CONF.set_override(name, value, group)
    objects.register_all()
    coordination.COORDINATOR.start()
    # The inspector of image formats runs in this process then.
    sys_admin_pctxt.set_client_mode(False)
    # Whoever is not root has no rootwrap here.
    utils.get_root_helper = lambda: "env"
    volume_utils.check_encryption_provider = keys.encryption_of
    processutils.execute = functools.partial(_execute, processutils.execute)
    processutils.subprocess = _Subprocess()
    return url


def _with_plugin(url: str) -> str:
    """The URL for Cinder's own engine."""
    plugins.register(_PLUGIN, __name__, LockAtOnce.__name__)
    return f"{url}&plugin={_PLUGIN}"


class LockAtOnce(interfaces.CreateEnginePlugin):
    """Have each transaction on SQLite wait for its turn when it begins.

    Cinder's read before they write, and one that has read while somebody
    else wrote fails at once instead of waiting.
    """

    def update_url(self, url: sa.URL) -> sa.URL:
        """Leave the URL as it is; SQLAlchemy has removed the plug-in."""
        return url

    def engine_created(self, engine: sa.Engine) -> None:
        """Begin before oslo.db's listener does, which then need not."""
        event.listen(engine, "begin", self._begin)

    @staticmethod
    def _begin(connection: sa.Connection) -> None:
        if "in_transaction" not in connection.info:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.info["in_transaction"] = True


def _execute(
    execute: Callable[..., Any],
    *words: Any,
    prlimit: Any = None,
    **options: Any,
) -> Any:
    """Limit a command without a Python interpreter before it.

    oslo.concurrency's takes the options of util-linux' ``prlimit``.
    """
    if prlimit is not None:
        words = ("prlimit", *prlimit.prlimit_args(), "--", *words)
    return execute(*words, **options)


class _Subprocess:
    """The module, as oslo.concurrency has it to start commands with.

    It passes a function that only restores a signal, which Python does by
    itself; and with any function each command starts as a copy of this
    process, which is large.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    @staticmethod
    def Popen(*arguments: Any, preexec_fn: Any = None, **options: Any) -> Any:
        """A command's process; ``preexec_fn`` only if it does more."""
        if getattr(preexec_fn, "args", None) == (None,):
            preexec_fn = None
        popen: Any = subprocess.Popen
        return popen(*arguments, preexec_fn=preexec_fn, **options)


def database(configured: str | None) -> str:
    """The URL of the database that Cinder uses in this process.

    The process is set up at the first call, unless it was before.

    :param configured: that of the kit's configuration file, if any.
    :raises AnotherDatabase: it is another one.
    """
    if configured is None:
        return _own()
    if _with_plugin(configured) != CONF.database.connection:
        raise AnotherDatabase(
            "drivers of Cinder's use a database that is made for the run: "
            "leave [database] connection out of the configuration file"
        )
    return configured


def join(url: str) -> None:
    """Have Cinder's drivers in this process use what another one has set up.

    :param url: of the database that :func:`database` returned there.
    """
    if CONF.database.connection != _with_plugin(url):
        _set_up(Path(str(sa.make_url(url).database)).parent)


@functools.cache
def _own() -> str:
    directory = tempfile.mkdtemp(prefix="assisted-kit.cinder.")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return set_up(Path(directory))


def admin_context() -> Any:
    """The context that Cinder's volume manager calls its drivers with."""
    return context.get_admin_context()


def mounts_of(share: Path) -> Path:
    """Where a driver has a share mounted, and its successor has it again."""
    name = hashlib.sha256(os.fsencode(share)).hexdigest()
    return Path(CONF.state_path, "mnt", name[:16])


def group_of_options(kind: str) -> str:
    """The name of a group for one driver's options."""
    return f"{kind}-{next(_numbers)}"
