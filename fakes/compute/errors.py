# SPDX-License-Identifier: Apache-2.0
"""What Nova, libvirt and QEMU raise."""

from __future__ import annotations

from assisted_kit.errors import AssistedKitError


class ComputeApiError(AssistedKitError):
    """Nova answered with an HTTP error, its ``code``."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class BadRequest(ComputeApiError):
    """400: the request is malformed, or the instance cannot do it now."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)


class HypervisorError(AssistedKitError):
    """libvirt or QEMU refused, in their own words."""
