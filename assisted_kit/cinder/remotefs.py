# SPDX-License-Identifier: Apache-2.0
"""Cinder 29's RemoteFS drivers on a directory that stands in for a share.

No share is mounted: a link stands in for the mount.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cinder.volume import configuration
from cinder.volume import driver as volume_driver
from cinder.volume.drivers import remotefs
from cinder.volume.drivers.san import san

from assisted_kit.adapter import DriverAdapter
from assisted_kit.capabilities import Capability
from assisted_kit.cinder import keys
from assisted_kit.cinder import service
from assisted_kit.cinder.in_cinder import InCinder
from assisted_kit.cinder.versioned import VersionedDriver
from assisted_kit.key_manager import EncryptionKey
from assisted_kit.key_manager import passphrase
from assisted_kit.rules import Profile
from assisted_kit.settings import UsageError

HOST = "192.0.2.7"

ABLE = frozenset(
    {
        Capability.cascade,
        Capability.cinder_share_layout,
        Capability.clone,
        Capability.create_from_snapshot,
        Capability.extend_with_snapshots,
        Capability.overlay_files,
        Capability.qcow2_base,
        Capability.raw_base,
    }
)
"""What Cinder's support matrix says of the drivers, as far as it needs no
other service."""


class RemoteFSAdapter(InCinder, DriverAdapter):
    """Constructs a driver, unmodified, with the options of its group."""

    driver_class: type[Any]
    able = ABLE
    """What a driver can do that does not say so itself."""

    @property
    @abstractmethod
    def share_name(self) -> str:
        """What a volume has as its ``provider_location``."""

    prefix: str
    """How the driver's own options begin."""
    own_options: Sequence[Any]
    """Those options, as the driver's module declares them."""

    def __init__(
        self,
        driver_class: type[Any] | None = None,
        options: Mapping[str, str] | None = None,
        declared: frozenset[Capability] | None = None,
    ) -> None:
        driver_class = driver_class or self.driver_class
        if declared is None and not hasattr(
            driver_class, "assisted_capabilities"
        ):
            declared = self.able
        super().__init__(driver_class, options, declared)
        for option in self._known_options:
            if (value := self.options.get(option.name)) is not None:
                _check(option, value)

    @property
    def _known_options(self) -> list[Any]:
        """Those that a back end's section may set."""
        return [
            *volume_driver.volume_opts,
            *remotefs.nas_opts,
            *self.own_options,
            # It may have options of another driver's, and the suite puts a
            # password there.
            *san.san_opts,
        ]

    @abstractmethod
    def configuration(self, share: Path, base_format: str) -> dict[str, Any]:
        """The options to construct the driver with, the section's included.

        Where shares are mounted is added to them.
        """

    @abstractmethod
    def base_option(self, base_format: str) -> dict[str, Any]:
        """What makes new volumes ``raw`` or ``qcow2``, whatever a section
        of a ``cinder.conf`` says: both are verified."""

    @abstractmethod
    def have_mounted(self, driver: Any, share: Path) -> None:
        """Have the driver take a directory for what it mounts."""

    def construct(
        self,
        share: Path,
        *,
        base_format: str = "raw",
        execute: Callable[..., Any] | None = None,
        compute: Any = None,
        sleep: Callable[[float], None] | None = None,
    ) -> Any:
        """A driver instance on ``share``, set up and checked.

        It takes neither ``execute`` nor ``sleep``: it has Cinder's, and
        :meth:`sleeps_by` finds that.
        """
        group = service.group_of_options(self.prefix)
        options = configuration.Configuration(
            self._known_options, config_group=group
        )
        values = {
            **self.configuration(share, base_format),
            **self.base_option(base_format),
        }
        mounts = service.mounts_of(share)
        values[f"{self.prefix}_mount_point_base"] = str(mounts)
        for name, value in values.items():
            # A back end's section may have options of other services' too.
            if name in service.CONF[group]:
                if isinstance(value, str):
                    # It is what it is to be already.
                    value = value.replace("$", "$$")
                service.CONF.set_override(name, value, group)
        driver = self.driver_class(configuration=options)
        driver._execute = without_probe(driver._execute)
        self.have_mounted(driver, share)
        driver.do_setup(service.admin_context())
        driver.check_for_setup_error()
        # As the volume manager does before it serves anybody, when it asks
        # for the capabilities.
        driver._ensure_shares_mounted()
        if compute is not None:
            driver._nova = compute
        if self.profile is Profile.LEGACY:
            return VersionedDriver(driver)
        return driver

    def mount_point(self, driver: Any, share: Path) -> Path:
        return Path(driver._get_mount_point_for_share(self.share_name))

    def encryption_key(self) -> EncryptionKey:
        if Capability.encryption not in self.capabilities:
            return super().encryption_key()
        key_id = keys.KEYS.create_key(self.context())
        key = keys.KEYS.get(self.context(), key_id)
        return EncryptionKey(key_id, passphrase(key))


def _check(option: Any, value: str) -> None:
    """See that an option may have a value.

    :raises UsageError: it may not.
    """
    try:
        option.type(value)
    except ValueError as error:
        raise UsageError(
            f"the option {option.name} cannot be {value!r}: {error}"
        ) from error


def without_probe(execute: Callable[..., Any]) -> Callable[..., Any]:
    """``execute``, with every ``mount.*`` taken to be installed."""

    def run(*words: str, **options: Any) -> Any:
        if len(words) == 1 and words[0].startswith("mount."):
            return "", ""
        return execute(*words, **options)

    return run


def mounted_by_client(driver: Any, share: Path) -> None:
    """Have a directory stand in for what os-brick's client mounts."""
    client = driver._remotefsclient
    client.mount = lambda name, flags=None: mount(
        Path(client.get_mount_point(name)), share
    )


def mount(point: Path, share: Path) -> None:
    """Have a link stand in for the mount of a share."""
    point.parent.mkdir(parents=True, exist_ok=True)
    if not point.is_symlink():
        point.symlink_to(share, target_is_directory=True)
