# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a model update: one class per kind of violation.

Every message names the hook, the key, the value and the clause of the
contract.  The value of ``provider_auth`` is a credential and never shown
(contract section 8).
"""

from __future__ import annotations

from typing import Any

from assisted_kit.driver import Hook
from assisted_kit.errors import AssistedKitError
from assisted_kit.shown import brief

_SECRET_KEYS = frozenset({"provider_auth"})


class ModelUpdateError(AssistedKitError):
    """A hook returned what the contract does not accept.

    Nothing of such an update is stored (section 2: "all of it or
    nothing"), and it counts as the hook raising.
    """

    clause = "section 2"
    fault = "is not acceptable"

    def __init__(
        self, hook: Hook, key: object, value: object, detail: str = ""
    ) -> None:
        self.hook = hook
        self.key = key
        self.value = "***" if key in _SECRET_KEYS else value
        self.detail = detail
        super().__init__(self._message())

    def _message(self) -> str:
        text = (
            f"{self.hook} returned {self._subject()}, which {self.fault} "
            f"(contract {self.clause})"
        )
        return f"{text}: {self.detail}" if self.detail else text

    def _subject(self) -> str:
        return f"{brief(self.key)}: {_shown(self.value)}"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.hook, self.key, self.value, self.detail)


def _shown(value: object) -> str:
    return value if value == "***" else brief(value)


class NotAMapping(ModelUpdateError):
    """The update, or a part that has keys of its own, is no mapping."""

    fault = "is neither None nor a mapping"

    def _subject(self) -> str:
        return _shown(self.value) if self.key is None else super()._subject()


class UnknownKey(ModelUpdateError):
    """The key is none that a driver may set; nothing is dropped silently."""

    fault = "is no key that a driver may set"


class ManagersKey(ModelUpdateError):
    """The key exists, but belongs to the volume manager or the database."""

    fault = "belongs to the volume manager"


class ReservedAdminMetadata(ModelUpdateError):
    """An admin metadata key of the status API or the volume manager."""

    fault = "is reserved for the status API and the volume manager"


class WrongType(ModelUpdateError):
    """A key or value is not of the type that its column has."""

    fault = "has the wrong type"


class TooLong(ModelUpdateError):
    """A key or value does not fit its column of 255 characters."""

    fault = "is longer than 255 characters or empty"


class InvalidProgress(ModelUpdateError):
    """``progress`` is not ``(100|[1-9]?[0-9])%`` in ASCII."""

    fault = "is not a percentage from '0%' to '100%'"


class PrematureCompletion(ModelUpdateError):
    """A *begin* hook returned the Juno-era completion signal."""

    fault = (
        "is the compute service's completion signal and not a begin "
        "hook's to send"
    )


class VolumeMetadataTooEarly(ModelUpdateError):
    """A *begin* hook returned ``volume_admin_metadata``."""

    fault = "may be returned by a complete hook only"


class RequestError(ModelUpdateError):
    """Base of what can be wrong with a compute request."""

    clause = "section 2, the compute request"


class RequestByWrongHook(RequestError):
    """A request key from a hook that is not its own *begin*."""

    fault = "may be returned by its own begin hook only"


class UnknownRequestKey(RequestError):
    """A name under a request's prefix that the request does not have."""

    fault = "is no field of the compute request"


class InvalidRequestType(RequestError):
    """The request's type is another than ``qcow2``."""

    fault = "is not 'qcow2'"


class InvalidFileName(RequestError):
    """A file of the request is not named by its bare name."""

    fault = "is not a bare file name"


class IncompleteRequest(RequestError):
    """Fields of a request without the field that makes it one."""

    fault = "does not make a compute request"
