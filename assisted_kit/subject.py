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
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from assisted_kit import capabilities
from assisted_kit import preflight
from assisted_kit import settings
from assisted_kit.adapter import DriverAdapter
from assisted_kit.capabilities import Capability
from assisted_kit.driver import Hook
from assisted_kit.driver import LegacyCall
from assisted_kit.errors import AssistedKitError
from assisted_kit.process import by_root_helper
from assisted_kit.settings import UsageError as UsageError

DRIVER_VARIABLE = "ASSISTED_DRIVER"
CONFIG_VARIABLE = "ASSISTED_CONFIG"
DOSSIER_VARIABLE = "ASSISTED_DOSSIER"
"""Names the folder for dossiers, which are not made without it."""

REFERENCE_DRIVER = "reference_driver.driver:RemoteFSAssistedDriver"
"""What is verified when no driver is named."""

ADAPTERS = {
    f"cinder.volume.drivers.{module}:{name}Driver": (
        f"assisted_kit.cinder.{module}:{name}Adapter"
    )
    for module, name in (
        ("nfs", "Nfs"),
        ("quobyte", "Quobyte"),
        ("vzstorage", "VZStorage"),
    )
} | {
    "assisted_kit.cinder.blocking.driver:BlockingSnapshots": (
        "assisted_kit.cinder.blocking.adapter:BlockingAdapter"
    )
}
"""What drivers are made of to the adapters that construct them.

Where several fit it is the first: a driver of Cinder's is constructed by its
own adapter, whatever is put before it.
"""

BASES = (Capability.raw_base, Capability.qcow2_base)


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
    patience: float = settings.PATIENCE
    """Seconds until a hook that does not return is given up."""
    root_helper: str = ""
    """The command line before those of commands that run as root."""

    @property
    def execute(self) -> Callable[..., tuple[str, str]]:
        """What the driver starts commands with."""
        return by_root_helper(self.root_helper)

    @property
    def database_url(self) -> str | None:
        """The URL of the database; None for one that is made for a test."""
        return self.adapter.database(self.database)

    @property
    def options(self) -> list[str]:
        """The options of the command line that name this driver."""
        words = []
        if self.driver != REFERENCE_DRIVER:
            words += ["--driver", self.driver]
        if self.config_file:
            words += ["--config", self.config_file]
        return words


def load(
    driver: str | None = None,
    config_file: str | None = None,
    adapter: type[DriverAdapter] | None = None,
) -> Subject:
    """Find the driver and read its configuration.

    :param adapter: what constructs the driver instead of the default.
    :raises UsageError: a malformed name, or a wrong configuration file.
    :raises SubjectError: the driver does not import or is no driver.
    """
    said = settings.read(config_file)
    name = name_of(driver, said)
    found = _import(name if adapter else ADAPTERS.get(name, name))
    if adapter is None:
        adapter = _adapter_of(found)
    return _subject(name, found, said, adapter)


def of_class(
    found: type[Any],
    adapter: type[DriverAdapter] | None = None,
    config_file: str | None = None,
) -> Subject:
    """A driver's class, or an adapter's, that is there already.

    :param adapter: what constructs the driver instead of the default.
    :raises UsageError: a wrong configuration file.
    :raises SubjectError: it is no driver.
    """
    name = f"{found.__module__}:{found.__qualname__}"
    if adapter is None and name in ADAPTERS:
        found = _import(ADAPTERS[name])
    elif adapter is None:
        adapter = _adapter_of(found)
    return _subject(name, found, settings.read(config_file), adapter)


def _subject(
    name: str,
    found: type[Any],
    said: settings.Settings,
    make: type[DriverAdapter] | None = None,
) -> Subject:
    return Subject(
        name,
        _adapter(name, found, said, make),
        said.share,
        said.work_directory,
        said.database,
        said.config_file,
        said.patience,
        said.root_helper,
    )


def from_environment(environment: Mapping[str, str] = os.environ) -> Subject:
    """The driver that the environment variables name; empty is unset."""
    return load(
        environment.get(DRIVER_VARIABLE) or None,
        environment.get(CONFIG_VARIABLE) or None,
    )


def name_of(driver: str | None, said: settings.Settings) -> str:
    """The ``module:Class`` to verify: what is said first, or the reference.

    :raises UsageError: it is malformed; empty is not the same as unsaid.
    """
    name = driver if driver is not None else said.driver
    if name is None:
        return REFERENCE_DRIVER
    module_name, _, class_name = name.partition(":")
    for word in (*module_name.split("."), class_name):
        if not word.isidentifier():
            raise UsageError(
                f"{name!r} does not name a driver: write module:Class, for "
                f"example {REFERENCE_DRIVER}"
            )
    return name


def _adapter(
    name: str,
    found: type[Any],
    said: settings.Settings,
    make: type[DriverAdapter] | None,
) -> DriverAdapter:
    if make is None:
        make = DriverAdapter
    if issubclass(found, DriverAdapter):
        # It may name the class, or construct the driver in its own way.
        make, found = found, getattr(found, "driver_class", found)
    else:
        check_interface(found)
    try:
        adapter = make(found, said.driver_options, said.capabilities)
        bases = adapter.bases
    except capabilities.UnknownCapability as error:
        raise SubjectError(f"{name} declares an {error}") from error
    except UsageError as error:
        where = f"{said.config_file}: " if said.config_file else ""
        raise UsageError(f"{where}{error}") from error
    except Exception as error:
        raise SubjectError(
            f"the adapter {name} cannot be constructed:\n{trace(error)}"
        ) from error
    if not bases:
        raise SubjectError(
            f"{name} declares neither {' nor '.join(b.name for b in BASES)}, "
            f"so there is no volume to verify it with"
        )
    return adapter


def _adapter_of(driver: type[Any]) -> type[DriverAdapter] | None:
    """The adapter for what a driver is made of."""
    made_of = {
        f"{owner.__module__}:{owner.__qualname__}"
        for owner in driver.__mro__[1:]
    }
    for name, adapter in ADAPTERS.items():
        if name in made_of:
            return _import(adapter)
    return None


def _import(name: str) -> type[Any]:
    module_name, _, class_name = name.partition(":")
    # What is there already, the user's directory cannot hide.
    preflight.check_packages()
    # A driver in the user's own directory, which a console script does not
    # look into by itself.
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise SubjectError(
            f"the driver {name} does not import:\n"
            f"{trace(error)}{_way_out(error, module_name)}"
        ) from error
    where = f"the module {module_name} ({_file(module)})"
    try:
        found = getattr(module, class_name)
    except AttributeError:
        raise SubjectError(f"{where} has no class {class_name}") from None
    if not inspect.isclass(found):
        raise SubjectError(
            f"{class_name} in {where} is no class but {found!r}"
        )
    return found


def trace(error: BaseException) -> str:
    """Where a driver raised, without the kit's frames that called it."""
    root = Path(__file__).parent.parent
    ours = (
        str(root / "assisted_kit"),
        str(root / "conformance"),
        str(Path(importlib.__file__).parent),
        "<frozen importlib",
    )
    report = traceback.TracebackException.from_exception(error)
    frames = [f for f in report.stack if not f.filename.startswith(ours)]
    report.stack = traceback.StackSummary.from_list(frames)
    lines = report.format() if frames else report.format_exception_only()
    return "".join(lines).rstrip()


def _way_out(error: BaseException, module_name: str) -> str:
    missing = getattr(error, "name", None)
    if not isinstance(error, ModuleNotFoundError) or not missing:
        return ""
    package, dot, _ = missing.partition(".")
    if dot and package in preflight.PACKAGES:
        found = _file(sys.modules[package])
        return (
            f"\nThe package {package} is the kit's own, {found}, and hides "
            f"{Path.cwd() / package}: rename that one"
        )
    if module_name == missing or module_name.startswith(f"{missing}."):
        return (
            f"\nRun this in the directory that has {package}, or install "
            f"it for {sys.executable}"
        )
    return ""


def _file(module: ModuleType) -> str:
    spec = getattr(module, "__spec__", None)
    return str(
        getattr(module, "__file__", None) or getattr(spec, "origin", None)
    )


def check_interface(driver: object) -> None:
    """See that this is a driver, or its class: with the hooks, or legacy.

    Single hooks that are missing or cannot be called are for the suite to
    judge.

    :raises SubjectError: it is none.
    """
    if any(getattr(driver, hook, None) for hook in Hook):
        return
    if hasattr(driver, LegacyCall.CREATE):
        return
    owner = driver if inspect.isclass(driver) else type(driver)
    name = f"{owner.__module__}:{owner.__name__}"
    raise SubjectError(
        f"{name} has none of the four hooks {', '.join(Hook)}, nor is it a "
        f"legacy driver with {LegacyCall.CREATE} (contract section 1)"
    )
