# SPDX-License-Identifier: Apache-2.0
"""What the suite has to know of a driver beyond Cinder's interface.

How to construct it, where its files are, what it is able to do, and how to
open what its connection information names.  The defaults fit a driver that
takes Cinder's ``configuration`` and ``execute``, and keeps its images in one
directory; anything else overrides a method here.
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oslo_context import context as oslo_context

from assisted_kit import capabilities
from assisted_kit.capabilities import Capability
from assisted_kit.driver import Hook
from assisted_kit.image import Image
from assisted_kit.key_manager import EncryptionKey
from assisted_kit.key_manager import KeyManager
from assisted_kit.key_manager import KeyUnavailable
from assisted_kit.key_manager import passphrase
from assisted_kit.rules import Profile

SLEEP = time.sleep
"""What modules had from ``time`` before anybody watched who sleeps."""


class DriverConfiguration:
    """A back end's options, read as Cinder's ``Configuration`` is."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = dict(options)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_options"][name]
        except KeyError:
            raise AttributeError(
                f"no option {name!r} is set for the driver; set it in the "
                f"section [driver] of the configuration file"
            ) from None

    def safe_get(self, name: str) -> Any:
        """The option's value, or None."""
        return self._options.get(name)

    def append_config_values(self, options: Any) -> None:
        """Cinder's way to register options; each without a value is None."""
        for option in options:
            self._options.setdefault(
                option.dest, getattr(option, "default", None)
            )


class DriverAdapter:
    """The driver under test, as the suite handles it.

    :param driver_class: the class to construct.
    :param options: the section ``[driver]`` of the configuration file;
        ``{share}`` in a value stands for the share's directory.
    :param declared: capabilities that replace what the class declares.
    """

    def __init__(
        self,
        driver_class: type[Any],
        options: Mapping[str, str] | None = None,
        declared: frozenset[Capability] | None = None,
    ) -> None:
        self.driver_class = driver_class
        self.options = dict(options or {})
        self.key_manager = KeyManager()
        """For a driver that takes one, to encrypt volumes by."""
        self._declared = declared

    @property
    def name(self) -> str:
        """``module:Class`` of the driver."""
        return f"{self.driver_class.__module__}:{self.driver_class.__name__}"

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the driver declares that it is able to do."""
        if self._declared is not None:
            return self._declared
        names = getattr(self.driver_class, "assisted_capabilities", None)
        if names is None:
            return capabilities.DEFAULT
        return capabilities.parse(names)

    @property
    def profile(self) -> Profile:
        """How the volume manager drives it.

        By the hooks if it has any, unless its class says that they are not
        to be called: it has other methods that call them then.
        """
        told = getattr(self.driver_class, "supports_assisted_snapshots", None)
        if told is not False and any(
            hasattr(self.driver_class, hook) for hook in Hook
        ):
            return Profile.ASSISTED
        return Profile.LEGACY

    @property
    def bases(self) -> list[str]:
        """The formats that base images can have."""
        return [
            base
            for base in ("raw", "qcow2")
            if Capability[f"{base}_base"] in self.capabilities
        ]

    def configuration(self, share: Path, base_format: str) -> dict[str, Any]:
        """The options to construct the driver with.

        :param share: an empty directory that stands in for the share.
        :param base_format: what new volumes are to be, ``raw`` or
            ``qcow2``.
        """
        return {
            "volume_backend_name": "assisted-kit",
            "share_directory": str(share),
            "qcow2_volumes": base_format == "qcow2",
            **{
                name: value.replace("{share}", str(share))
                for name, value in self.options.items()
            },
        }

    def construct(
        self,
        share: Path,
        *,
        base_format: str = "raw",
        execute: Callable[..., Any],
        compute: Any = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Any:
        """A driver instance on ``share``, set up and checked.

        Its constructor gets ``configuration`` and ``execute`` as far as it
        takes them, and ``key_manager`` if it declares ``encryption``.  The
        other two are for a legacy driver alone.

        :param compute: Nova, for its constructor or, as Cinder's RemoteFS
            drivers have it, its attribute ``_nova``.
        :param sleep: for its constructor, if it takes one.
        """
        arguments = {
            "configuration": DriverConfiguration(
                self.configuration(share, base_format)
            ),
            "execute": execute,
        }
        if Capability.encryption in self.capabilities:
            arguments["key_manager"] = self.key_manager
        if compute is not None:
            arguments |= {"compute": compute, "sleep": sleep}
        driver = self.driver_class(**_accepted(self.driver_class, arguments))
        for step, values in (
            ("do_setup", (None,)),
            ("check_for_setup_error", ()),
        ):
            method = getattr(driver, step, None)
            if method is not None:
                method(*values)
        if compute is not None and hasattr(driver, "_nova"):
            driver._nova = compute
        return driver

    def encryption_key(self) -> EncryptionKey:
        """A key for an encrypted volume, by whose id the driver gets it.

        Of the key manager that the driver was constructed with.  A driver
        that has another one needs an adapter that makes the key there.

        :raises KeyUnavailable: the driver takes no key manager.
        """
        taken = _accepted(self.driver_class, {"key_manager": None})
        if Capability.encryption not in self.capabilities or not taken:
            raise KeyUnavailable(
                f"there is no key that {self.name} could encrypt a volume "
                f"with: its constructor takes no key_manager, and its "
                f"adapter has no encryption_key() of its own"
            )
        key_id = self.key_manager.create_key(self.context())
        key = self.key_manager.get(self.context(), key_id)
        return EncryptionKey(key_id, passphrase(key))

    def sleeps_by(self) -> list[str]:
        """What a legacy driver waits with, as dotted names.

        Each is the module ``time``, or its ``sleep``, by the name that a
        module of the driver's has for it; virtual time is put there.
        """
        return [
            f"{module}.{name}"
            for module in dict.fromkeys(
                owner.__module__ for owner in self.driver_class.__mro__
            )
            for name, value in vars(sys.modules[module]).items()
            if value is time or value is time.sleep or value is SLEEP
        ]

    def context(self) -> Any:
        """The context of the service, which drivers and Nova are handed."""
        return oslo_context.RequestContext(is_admin=True, overwrite=False)

    def database(self, configured: str | None) -> str | None:
        """The URL of the database, None for one that is made for a test.

        A driver that reads Cinder's database by itself names its own.

        :param configured: that of the configuration file, if it has one.
        """
        return configured

    def join(self, database: str | None) -> None:
        """Go on in a process that has just started.

        :param database: what :meth:`database` returned in the process that
            began.
        """

    def mount_point(self, driver: Any, share: Path) -> Path:
        """The directory in which the driver finds what is on the share.

        Absolute names of its images begin with it.

        :param driver: one that :meth:`construct` has returned.
        """
        return share

    def image(self, share: Path, connection_info: Mapping[str, Any]) -> Image:
        """The image that a connection's ``data`` names.

        :param share: the share's directory, as :meth:`mount_point` says.
        :param connection_info: flat, as an attachment stores it.
        """
        return Image(
            share / connection_info["name"], connection_info["format"]
        )


def _accepted(
    function: Callable[..., Any], arguments: dict[str, Any]
) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return arguments
    names = {p.name for p in parameters if p.kind is not p.POSITIONAL_ONLY}
    return {k: v for k, v in arguments.items() if k in names}
