# SPDX-License-Identifier: Apache-2.0
"""The driver under test, found from what the user said.

``--driver module:Class`` and ``--config FILE`` of the command line are the
environment variables ``ASSISTED_DRIVER`` and ``ASSISTED_CONFIG`` of every
other runner.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oslo_config import cfg

from assisted_kit import capabilities
from assisted_kit.adapter import DriverAdapter
from assisted_kit.driver import Hook
from assisted_kit.driver import is_assisted
from assisted_kit.errors import AssistedKitError

DRIVER_VARIABLE = "ASSISTED_DRIVER"
CONFIG_VARIABLE = "ASSISTED_CONFIG"

REFERENCE_DRIVER = "reference_driver.driver:RemoteFSAssistedDriver"
"""What is verified when no driver is named."""

OPTIONS = (
    cfg.StrOpt(
        "driver",
        help="The driver to verify, as module:Class; a subclass of "
        "assisted_kit.DriverAdapter there constructs it itself.",
    ),
    cfg.StrOpt(
        "share",
        help="A directory of the share to work on. The kit makes a "
        "directory of its own in it and touches nothing else. Without "
        "it, a temporary directory stands in for a share.",
    ),
    cfg.StrOpt(
        "work_directory",
        help="The name of that directory; it must be absent or empty. "
        "Without it, a name that nobody else uses.",
    ),
    cfg.ListOpt(
        "capabilities",
        help="What the driver is able to do, instead of what its class "
        "declares.",
    ),
)
"""The section ``[assisted_kit]`` of a configuration file."""

GROUP = "assisted_kit"
DRIVER_GROUP = "driver"
DATABASE_GROUP = "database"

DATABASE_OPTIONS = (
    cfg.StrOpt(
        "connection",
        secret=True,
        help="The URL of the database to keep volumes and snapshots in, as "
        "in any OpenStack service. Without it, a temporary SQLite file.",
    ),
)
"""The part of oslo.db's section ``[database]`` that the suite reads."""


_KNOWN = {GROUP: OPTIONS, DATABASE_GROUP: DATABASE_OPTIONS}


class UsageError(AssistedKitError):
    """What the user said cannot be meant: a wrong option, a missing file."""


class SubjectError(AssistedKitError):
    """The driver cannot be put before the suite."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The driver under test and where to test it."""

    driver: str
    """As it was named, ``module:Class``."""
    adapter: DriverAdapter
    share: Path | None = None
    work_directory: str | None = None
    database: str | None = None
    """The URL of the database to use; a temporary file without it."""
    config_file: str | None = None

    @property
    def options(self) -> list[str]:
        """The options of the command line that name this driver."""
        words = []
        if self.driver != REFERENCE_DRIVER:
            words += ["--driver", self.driver]
        if self.config_file:
            words += ["--config", self.config_file]
        return words


def load(driver: str | None = None, config_file: str | None = None) -> Subject:
    """Find the driver and read its configuration.

    :raises UsageError: a malformed name, or a wrong configuration file.
    :raises SubjectError: the driver does not import or is no driver.
    """
    conf = cfg.ConfigOpts()
    for group, group_options in _KNOWN.items():
        conf.register_opts(group_options, group=group)
    options: Mapping[str, str] = {}
    if config_file:
        options = _read(conf, config_file)
    else:
        conf([], project="assisted-kit", default_config_files=[])
    section = conf[GROUP]
    name = driver or section.driver or REFERENCE_DRIVER
    found = _import(name)
    declared = None
    if section.capabilities is not None:
        try:
            declared = capabilities.parse(section.capabilities)
        except capabilities.UnknownCapability as error:
            raise UsageError(f"{config_file}: {error}") from error
    if issubclass(found, DriverAdapter):
        adapter = found(found, options, declared)
    else:
        _check_interface(found)
        adapter = DriverAdapter(found, options, declared)
    return Subject(
        name,
        adapter,
        Path(section.share) if section.share else None,
        section.work_directory,
        conf[DATABASE_GROUP].connection,
        config_file,
    )


def from_environment(environment: Mapping[str, str] = os.environ) -> Subject:
    """The driver that the environment variables name."""
    return load(
        environment.get(DRIVER_VARIABLE), environment.get(CONFIG_VARIABLE)
    )


def _read(conf: cfg.ConfigOpts, config_file: str) -> dict[str, str]:
    """Read the file; returns the section ``[driver]``."""
    if not Path(config_file).is_file():
        raise UsageError(
            f"the configuration file {config_file} does not exist"
        )
    sections: dict[str, dict[str, list[str]]] = {}
    try:
        cfg.ConfigParser(config_file, sections).parse()
        conf(
            [],
            project="assisted-kit",
            default_config_files=[config_file],
            default_config_dirs=[],
        )
        for group, group_options in _KNOWN.items():
            for option in group_options:
                conf[group][option.dest]
    except (OSError, UnicodeDecodeError, cfg.Error) as error:
        raise UsageError(f"{config_file}: {error}") from error
    for name, content in sections.items():
        if name == DRIVER_GROUP:
            continue
        if name not in _KNOWN:
            raise UsageError(
                f"{config_file}: unknown section [{name}]; there are "
                f"{', '.join(f'[{g}]' for g in (*_KNOWN, DRIVER_GROUP))}"
            )
        known = sorted(option.name for option in _KNOWN[name])
        for key in content:
            if key not in known:
                raise UsageError(
                    f"{config_file}: unknown option {key!r} in [{name}]; "
                    f"there are {', '.join(known)}"
                )
    return {
        key: values[-1]
        for key, values in sections.get(DRIVER_GROUP, {}).items()
    }


def _import(name: str) -> type[Any]:
    module_name, colon, class_name = name.partition(":")
    if not (colon and module_name and class_name):
        raise UsageError(
            f"{name!r} does not name a driver: write module:Class, for "
            f"example {REFERENCE_DRIVER}"
        )
    # A driver in the user's own directory, which a console script does not
    # look into by itself.
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise SubjectError(
            f"the driver {name} does not import:\n"
            f"{traceback.format_exc().rstrip()}"
        ) from error
    found = getattr(module, class_name, None)
    if not inspect.isclass(found):
        raise SubjectError(
            f"the module {module_name} ({module.__file__}) has no class "
            f"{class_name}"
        )
    return found


def _check_interface(driver_class: type[Any]) -> None:
    """See that this is a driver with the hooks at all.

    Single hooks that are missing or cannot be called are for the suite to
    judge.
    """
    name = f"{driver_class.__module__}:{driver_class.__name__}"
    if any(getattr(driver_class, hook, None) for hook in Hook):
        return
    if not is_assisted(driver_class) and hasattr(
        driver_class, "create_snapshot"
    ):
        raise SubjectError(
            f"{name} is a legacy driver: it has create_snapshot and none "
            f"of the four hooks, which are what this suite verifies "
            f"(contract section 1)"
        )
    raise SubjectError(
        f"{name} has none of the four hooks {', '.join(Hook)} "
        f"(contract section 1)"
    )
