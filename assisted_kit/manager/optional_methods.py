# SPDX-License-Identifier: Apache-2.0
"""Methods that a driver may have (contract section 1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assisted_kit.errors import AssistedKitError


class NotSupported(AssistedKitError):
    """The driver has no method for what was asked."""


def method_of(driver: Any, name: str) -> Callable[..., Any]:
    """An optional method, which says what is missing if it is not there.

    One that raises NotImplementedError, as those of Cinder's base classes
    do, is not there either.

    :raises NotSupported: the driver does not have it.
    """
    method = getattr(driver, name, None)
    if method is None:
        raise NotSupported(f"the driver has no {name}")

    def call(*arguments: Any) -> Any:
        try:
            return method(*arguments)
        except NotImplementedError as error:
            raise NotSupported(f"the driver has no {name}") from error

    return call
