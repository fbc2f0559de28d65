# SPDX-License-Identifier: Apache-2.0
"""Secrets that are recognized wherever they turn up (contract section 8)."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import IO
from typing import Protocol

import fixtures

from conformance.journal import HookCall
from conformance.watch.log import Logged

_MARK = "akit5ecret"

TOKEN = f"{_MARK}-token-of-the-context"
PROVIDER_AUTH = f"{_MARK}-provider-auth"
PASSWORD = f"{_MARK}-password-option"

WHAT: Mapping[str, str] = {
    TOKEN: "the token of the request's context",
    PROVIDER_AUTH: "provider_auth",
    PASSWORD: "a password of the driver's configuration",
}
"""What each planted secret is."""

PASSWORD_OPTIONS = ("nas_password", "san_password")
"""Cinder's own options with passwords, which many drivers read."""

_PLANTED = re.compile(f"{_MARK}-[a-z-]+")


def forms(secret: str, what: str) -> dict[str, str]:
    """A secret as it may be written, each with what it is.

    :param what: what the secret is.
    """
    found = {secret: what}
    encoded = secret.encode()
    with contextlib.suppress(ValueError):
        # The bytes of a key, of which Cinder makes a passphrase in hex.
        encoded = bytes.fromhex(secret)
    for raw in (secret.encode(), encoded):
        found.setdefault(raw.hex(), f"{what} (in hex)")
        found.setdefault(base64.b64encode(raw).decode(), f"{what} (in base64)")
    return found


def hidden(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without any planted secret, or any of ``secrets``."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return _PLANTED.sub("***", text)


def found_in(
    text: str, where: str, secrets: Mapping[str, str] = WHAT
) -> list[str]:
    """Each secret that is in ``text``, as a sentence.

    :param secrets: each with what it is.
    """
    return [
        f"{what} is in {where}: {_around(text, secret, secrets)}"
        for secret, what in secrets.items()
        if secret in text
    ]


def _around(text: str, secret: str, secrets: Iterable[str]) -> str:
    line = next(line for line in text.splitlines() if secret in line)
    at = line.index(secret)
    return hidden(line, secrets)[max(0, at - 60) : at + 60].strip()


class Started(Protocol):
    """A command, and what started it."""

    @property
    def words(self) -> tuple[str, ...]:
        """Its argv."""

    @property
    def origin(self) -> str:
        """Where it was started, or by whom."""


def in_commands(
    commands: Iterable[Started], secrets: Mapping[str, str] = WHAT
) -> list[str]:
    """Secrets in command lines, which every user of a host can read."""
    return [
        sentence
        for command in commands
        for sentence in found_in(
            " ".join(command.words), f"a command {command.origin}", secrets
        )
    ]


def in_updates(
    calls: Iterable[HookCall], secrets: Mapping[str, str] = WHAT
) -> list[str]:
    """Secrets in model updates, but for ``provider_auth``."""
    found = []
    for call in calls:
        if isinstance(call.returned, Mapping):
            rest = {
                key: value
                for key, value in call.returned.items()
                if key != "provider_auth"
            }
            where = f"the update of {call.hook}"
            found += found_in(repr(rest), where, secrets)
    return found


def in_log(
    records: Iterable[Logged], secrets: Mapping[str, str] = WHAT
) -> list[str]:
    """Secrets in what was logged, at any level.

    SQLAlchemy shows each row at its level DEBUG: that is not the driver's,
    although a legacy driver reads its reference again.
    """
    return [
        sentence
        for record in records
        if not record.logger.startswith("sqlalchemy.")
        for sentence in found_in(
            record.text,
            f"a record of {record.logger} ({record.level})",
            secrets,
        )
    ]


def in_errors(
    calls: Iterable[HookCall], secrets: Mapping[str, str] = WHAT
) -> list[str]:
    """Secrets in exceptions, which the manager logs."""
    return [
        sentence
        for call in calls
        for sentence in found_in(
            call.traceback(), f"what {call.hook} raised", secrets
        )
    ]


class Output(fixtures.Fixture):
    """Everything that this process and its children print meanwhile.

    It goes where it would have gone when that is over, without secrets.
    """

    def _setUp(self) -> None:
        self._file = tempfile.TemporaryFile("w+b", buffering=0)  # noqa: SIM115
        self.addCleanup(self._file.close)
        self._forward_to = sys.stderr
        self.addCleanup(self._forward)
        for number in (1, 2):
            before = os.dup(number)
            os.dup2(self._file.fileno(), number)
            self.addCleanup(os.close, before)
            self.addCleanup(os.dup2, before, number)
        for name in ("stdout", "stderr"):
            stream: IO[str] = open(  # noqa: PTH123, SIM115
                os.dup(self._file.fileno()),
                "w",
                buffering=1,
                errors="backslashreplace",
            )
            self._replace(name, stream)

    def _replace(self, name: str, stream: Any) -> None:
        before = getattr(sys, name)
        before.flush()
        setattr(sys, name, stream)
        self.addCleanup(stream.close)
        self.addCleanup(setattr, sys, name, before)

    def text(self) -> str:
        """What was printed so far."""
        sys.stdout.flush()
        sys.stderr.flush()
        size = os.fstat(self._file.fileno()).st_size
        printed = os.pread(self._file.fileno(), size, 0)
        return printed.decode(errors="backslashreplace")

    def _forward(self) -> None:
        size = os.fstat(self._file.fileno()).st_size
        printed = os.pread(self._file.fileno(), size, 0)
        if printed:
            text = printed.decode(errors="backslashreplace")
            self._forward_to.write(hidden(text))
