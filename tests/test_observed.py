# SPDX-License-Identifier: Apache-2.0
"""What a failure's message shows of a hook."""

from __future__ import annotations

from assisted_kit.driver import Hook
from conformance.observed import HookCall


def test_credentials_are_hidden() -> None:
    update = {"provider_auth": "CHAP user s3cret", "provider_id": "7"}
    shown = str(HookCall(Hook.CREATE_BEGIN, "s", True, update))
    assert "s3cret" not in shown
    assert "'provider_id': '7'" in shown
