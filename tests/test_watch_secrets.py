# SPDX-License-Identifier: Apache-2.0
"""Secrets, and where they turn up."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from assisted_kit.driver import Hook
from conformance.journal import HookCall
from conformance.watch import secrets
from conformance.watch.calls import CallBook
from conformance.watch.calls import DriverCall
from conformance.watch.log import Logged
from conformance.watch.secrets import PASSWORD
from conformance.watch.secrets import PROVIDER_AUTH
from conformance.watch.secrets import TOKEN


def test_a_secret_is_named_and_not_shown() -> None:
    (found,) = secrets.found_in(f"login --password={PASSWORD} x", "argv")
    assert found == (
        "a password of the driver's configuration is in argv: "
        "login --password=*** x"
    )


def test_provider_auth_may_be_returned_as_such() -> None:
    update = {"provider_auth": PROVIDER_AUTH, "metadata": {"user": "admin"}}
    call = HookCall(Hook.CREATE_BEGIN, "s", True, update)
    assert secrets.in_updates([call]) == []
    moved = {"metadata": {"auth": PROVIDER_AUTH}}
    call = HookCall(Hook.CREATE_BEGIN, "s", True, moved)
    assert len(secrets.in_updates([call])) == 1


def test_rows_that_sqlalchemy_shows_are_not_the_drivers_log() -> None:
    call = DriverCall("create_snapshot", CallBook())
    logged = [
        Logged(call, "DEBUG", logger, f"Row ({PROVIDER_AUTH!r},)")
        for logger in ("sqlalchemy.engine.Engine", "vendor.driver")
    ]
    (found,) = secrets.in_log(logged)
    assert "vendor.driver" in found


def test_causes_of_exceptions_are_read() -> None:
    try:
        try:
            raise ValueError(TOKEN)
        except ValueError as cause:
            raise RuntimeError("failed") from cause
    except RuntimeError as error:
        call = HookCall(Hook.CREATE_BEGIN, "s", True, error=error)
    assert len(secrets.in_errors([call])) == 1


def test_everything_printed_is_read(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with secrets.Output() as output:
        sys.stdout.write("by Python\n")
        os.write(2, b"by a library\n")
        subprocess.run(["echo", "by a child", TOKEN], check=True)
        text = output.text()
    for words in ("by Python", "by a library", "by a child", TOKEN):
        assert words in text
    sys.stdout.write("as before")
    captured = capfd.readouterr()
    assert captured.out == "as before"
    assert "by a child ***" in captured.err
