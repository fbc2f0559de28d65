# SPDX-License-Identifier: Apache-2.0
"""Back ends of a ``cinder.conf``, to be verified as they are configured.

A section of that file names a driver and has its options.  It is written
``FILE[SECTION]`` wherever a configuration file is named.  Nothing that the
section is about is touched: a directory stands in for the share, and the
service's database is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oslo_config import cfg

from assisted_kit.errors import AssistedKitError

Sections = Mapping[str, Mapping[str, Sequence[str]]]

DEFAULTS = "backend_defaults"
"""Cinder's section for what back ends have in common."""

_NAMED = re.compile(r"(?P<file>.+)\[(?P<section>[^\[\]]+)\]")


class BackendError(AssistedKitError):
    """A file has no such back end, or nothing that can be verified."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A back end's section."""

    driver: str
    """``module:Class``."""
    options: Mapping[str, str]


def written(config_file: str, section: str) -> str:
    """How a back end is named."""
    return f"{config_file}[{section}]"


def split(config_file: str) -> tuple[str, str | None]:
    """The file, and the section if it names a back end."""
    found = _NAMED.fullmatch(config_file)
    if found is None or Path(config_file).exists():
        return config_file, None
    return found["file"], found["section"]


def enabled(config_file: str) -> list[str]:
    """The sections that ``enabled_backends`` names.

    :raises BackendError: there is none, or the file cannot be read.
    """
    names = _enabled(_sections(config_file))
    if not names:
        raise BackendError(
            f"{config_file}: enabled_backends in [DEFAULT] names no back "
            f"end; name one by --backend"
        )
    return names


def read(config_file: str, section: str) -> Backend:
    """A back end as it is configured.

    :raises BackendError: there is no such section, it has no driver, or the
        file cannot be read.
    """
    sections = _sections(config_file)
    if section not in sections:
        names = ", ".join(_enabled(sections)) or "none"
        raise BackendError(
            f"{config_file} has no section [{section}]; enabled_backends "
            f"names {names}"
        )
    options = _substituted(config_file, sections, section)
    driver = options.pop("volume_driver", "")
    module, dot, name = driver.rpartition(".")
    if not dot:
        raise BackendError(
            f"{config_file}: volume_driver in [{section}] is "
            f"{repr(driver) if driver else 'missing'}: it is to be a class "
            f"with its module"
        )
    return Backend(f"{module}:{name}", options)


def _substituted(
    config_file: str, sections: Sections, section: str
) -> dict[str, str]:
    """A section's options, with what they refer to as ``$name``.

    That is looked for where Cinder looks, among what the file sets.
    """
    conf = cfg.ConfigOpts()
    parts = [part for part in (DEFAULTS, section) if part in sections]
    for name in sections.get("DEFAULT", {}):
        conf.register_opt(cfg.StrOpt(name))
    for part in parts:
        for name in sections[part]:
            conf.register_opt(cfg.StrOpt(name), group=part)
    conf([], default_config_files=[config_file], default_config_dirs=[])
    options: dict[str, str] = {}
    for part in parts:
        for name in sections[part]:
            try:
                options[name] = conf[part][name]
            except cfg.Error as error:
                raise BackendError(
                    f"{config_file}: the option {name} in [{part}]: {error}. "
                    f"A dollar sign is written $$"
                ) from error
    return options


def _sections(config_file: str) -> Sections:
    path = Path(config_file)
    if not path.is_file():
        found = "is not a file" if path.exists() else "does not exist"
        raise BackendError(f"the file {config_file} {found}")
    sections: dict[str, dict[str, list[str]]] = {}
    try:
        cfg.ConfigParser(config_file, sections).parse()
    except (OSError, UnicodeDecodeError, cfg.ParseError) as error:
        raise BackendError(f"{config_file}: {error}") from error
    return sections


def _enabled(sections: Sections) -> list[str]:
    values = sections.get("DEFAULT", {}).get("enabled_backends", [""])
    names = (name.strip() for name in values[-1].split(","))
    return [name for name in names if name]
