# SPDX-License-Identifier: Apache-2.0
"""What of Cinder and Nova the rules rest on.

A rule is about any driver; what it expects of the volume and the compute
service around the driver, and what it knows to go wrong, was read in these
places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assisted_kit.upstream.of_cinder import CINDER
from assisted_kit.upstream.of_nova import NOVA


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function, a class's attribute or a module's constant."""

    package: str
    """``cinder`` or ``nova``."""
    module: str
    """Dotted, without the package."""
    name: str
    """``Class.function``, ``function`` or ``CONSTANT``."""
    meaning: str
    """What was read there."""
    rules: tuple[str, ...]
    """The rules that rest on it."""

    def __str__(self) -> str:
        return f"{self.package}.{self.module}:{self.name}"


def symbols(package: str) -> Iterator[Symbol]:
    """What the rules rest on in ``cinder`` or ``nova``."""
    found = {"cinder": CINDER, "nova": NOVA}[package]
    for (module, name), (meaning, rules) in found.items():
        yield Symbol(package, module, name, meaning, tuple(rules.split()))
