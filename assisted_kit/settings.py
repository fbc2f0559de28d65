# SPDX-License-Identifier: Apache-2.0
"""The configuration file of a run: an oslo.config file of three sections.

``[assisted_kit]`` is about the run, ``[driver]`` holds whatever the driver
under test reads of its configuration, and ``[database]`` is oslo.db's.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from oslo_config import cfg

from assisted_kit import backends
from assisted_kit import capabilities
from assisted_kit.capabilities import Capability
from assisted_kit.errors import AssistedKitError

PATIENCE = 120.0
"""Seconds until a hook that does not return is given up."""

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
    cfg.FloatOpt(
        "patience",
        default=PATIENCE,
        min=0.1,
        help="Seconds until a hook that does not return is given up, which "
        "ends the run.",
    ),
    cfg.StrOpt(
        "root_helper",
        help="What commands are started by that the driver wants to run as "
        "root, such as 'sudo cinder-rootwrap /etc/cinder/rootwrap.conf'. "
        "Without it they run as whoever runs the suite.",
    ),
)
"""The section ``[assisted_kit]`` of a configuration file."""

DATABASE_OPTIONS = (
    cfg.StrOpt(
        "connection",
        secret=True,
        help="The URL of the database to keep volumes and snapshots in, as "
        "in any OpenStack service. Without it, a temporary SQLite file.",
    ),
)
"""The part of oslo.db's section ``[database]`` that the suite reads."""

GROUP = "assisted_kit"
DRIVER_GROUP = "driver"
DATABASE_GROUP = "database"

_KNOWN = {GROUP: OPTIONS, DATABASE_GROUP: DATABASE_OPTIONS}


class UsageError(AssistedKitError):
    """What the user said cannot be meant: a wrong option, a missing file."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a configuration file says; without one, the defaults."""

    config_file: str | None = None
    driver: str | None = None
    """``module:Class``."""
    share: Path | None = None
    work_directory: str | None = None
    capabilities: frozenset[Capability] | None = None
    """None: as the driver's class declares them."""
    patience: float = PATIENCE
    """In seconds."""
    root_helper: str = ""
    """The command line before those of commands that run as root."""
    database: str | None = None
    """The URL of the database; a temporary SQLite file without it."""
    driver_options: Mapping[str, str] = field(default_factory=dict)
    """The section ``[driver]``."""


def read(config_file: str | None) -> Settings:
    """Read a configuration file, or take the defaults.

    :param config_file: its name, or ``FILE[SECTION]`` for a back end of a
        ``cinder.conf``.
    :raises UsageError: naming the file and what is wrong in it.
    """
    if config_file is None:
        return Settings()
    if not config_file:
        raise UsageError("the name of the configuration file is empty")
    file, section = backends.split(config_file)
    if section is not None:
        return _of_backend(config_file, file, section)
    path = Path(config_file)
    if not path.is_file():
        found = "is not a file" if path.exists() else "does not exist"
        raise UsageError(f"the configuration file {config_file} {found}")
    try:
        conf, sections = _parse(config_file)
        _check_known(sections)
        section = conf[GROUP]
        return Settings(
            config_file,
            section.driver,
            Path(section.share).absolute() if section.share else None,
            _directory_name(section.work_directory, section.share),
            _capabilities(section.capabilities),
            section.patience,
            section.root_helper or "",
            conf[DATABASE_GROUP].connection,
            {
                key: values[-1]
                for key, values in sections.get(DRIVER_GROUP, {}).items()
            },
        )
    except (
        OSError,
        UnicodeDecodeError,
        cfg.Error,
        cfg.ParseError,
        AssistedKitError,
    ) as error:
        raise UsageError(f"{config_file}: {error}") from error


def _of_backend(config_file: str, file: str, section: str) -> Settings:
    try:
        backend = backends.read(file, section)
    except backends.BackendError as error:
        raise UsageError(str(error)) from error
    return Settings(
        config_file, backend.driver, driver_options=backend.options
    )


def _parse(
    config_file: str,
) -> tuple[cfg.ConfigOpts, dict[str, dict[str, list[str]]]]:
    """The options that are known, and everything that the file says."""
    sections: dict[str, dict[str, list[str]]] = {}
    cfg.ConfigParser(config_file, sections).parse()
    conf = cfg.ConfigOpts()
    for group, options in _KNOWN.items():
        conf.register_opts(options, group=group)
    conf(
        [],
        project="assisted-kit",
        default_config_files=[config_file],
        default_config_dirs=[],
    )
    for group, options in _KNOWN.items():
        for option in options:
            _check_value(conf, group, option.name)
    return conf, sections


def _check_value(conf: cfg.ConfigOpts, group: str, name: str) -> None:
    """Read an option, which is what finds a value of the wrong type."""
    where = f"the option {name} in [{group}]"
    try:
        value = conf[group][name]
    except cfg.ConfigFileValueError as error:
        _, found, why = str(error).partition(" is not valid: ")
        raise UsageError(f"{where}: {why if found else error}") from error
    except cfg.Error as error:
        raise UsageError(
            f"{where}: {error}. A dollar sign is written $$"
        ) from error
    if value == "":
        raise UsageError(f"{where} is empty")


def _check_known(sections: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    for name, content in sections.items():
        if name == DRIVER_GROUP:
            continue
        if name not in _KNOWN:
            raise UsageError(
                f"unknown section [{name}]; there are "
                f"{', '.join(f'[{g}]' for g in (*_KNOWN, DRIVER_GROUP))}"
            )
        known = sorted(option.name for option in _KNOWN[name])
        for key in content:
            if key not in known:
                raise UsageError(
                    f"unknown option {key!r} in [{name}]; there are "
                    f"{', '.join(known)}. What the driver reads belongs "
                    f"into [{DRIVER_GROUP}]"
                )


def _directory_name(name: str | None, share: str | None) -> str | None:
    if name is None:
        return None
    if share is None:
        raise UsageError("work_directory needs a share to be in")
    if "/" in name or name in (".", ".."):
        raise UsageError(
            f"work_directory is the name of a directory on the share, "
            f"which {name!r} is not"
        )
    return name


def _capabilities(
    names: Sequence[str] | None,
) -> frozenset[Capability] | None:
    if names is None:
        return None
    return capabilities.parse(name for name in names if name)
