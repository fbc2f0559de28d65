# SPDX-License-Identifier: Apache-2.0
"""Secrets in places where anybody reads them."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from assisted_kit.process import execute
from fakes.broken.registry import BrokenDriver
from reference_driver.driver import RemoteFSAssistedDriver

LOG = logging.getLogger(__name__)


class KnowsPassword(RemoteFSAssistedDriver):
    """Reads a password from its configuration, as many drivers do."""

    def __init__(self, configuration: Any, **options: Any) -> None:
        super().__init__(configuration, **options)
        self._password = configuration.safe_get("san_password")


class PassesPassword(KnowsPassword):
    """Gives its password to a command."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        execute("true", f"--password={self._password}")
        return super().create_snapshot_assisted_begin(snapshot_ref)


class StoresToken(RemoteFSAssistedDriver):
    """Keeps the token of the request for later."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_complete(snapshot_ref)
        token = snapshot_ref.obj_context.auth_token
        update["snapshot_admin_metadata"]["token"] = token
        return update


class Prints(KnowsPassword):
    """Prints its password."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        sys.stdout.write(f"logging in with {self._password}\n")
        return super().create_snapshot_assisted_begin(snapshot_ref)


class WritesToStderr(KnowsPassword):
    """Writes its password to the descriptor of stderr."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        os.write(2, f"logging in with {self._password}\n".encode())
        return super().create_snapshot_assisted_begin(snapshot_ref)


class LogsContext(RemoteFSAssistedDriver):
    """Logs the context of the request for debugging, token and all."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        LOG.debug("the context is %s", vars(snapshot_ref.obj_context))
        return super().create_snapshot_assisted_begin(snapshot_ref)


class LogsCredentials(RemoteFSAssistedDriver):
    """Logs the credentials of the volume."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        LOG.info("CHAP: %s", snapshot_ref.volume.provider_auth)
        return super().delete_snapshot_assisted_begin(snapshot_ref)


class RaisesWithPassword(KnowsPassword):
    """Says in its error how it has logged in."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        try:
            return super().create_snapshot_assisted_begin(snapshot_ref)
        except Exception as error:
            raise RuntimeError(f"as admin:{self._password}: {error}") from None


BROKEN = (
    BrokenDriver(PassesPassword, ("HKS-009",)),
    BrokenDriver(StoresToken, ("HKS-009",)),
    BrokenDriver(Prints, ("HKS-010",)),
    BrokenDriver(WritesToStderr, ("HKS-010",)),
    BrokenDriver(LogsContext, ("HKS-010",)),
    BrokenDriver(LogsCredentials, ("HKS-010",)),
    BrokenDriver(RaisesWithPassword, ("HKS-010",)),
)
