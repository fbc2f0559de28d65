# SPDX-License-Identifier: Apache-2.0
"""``python -m assisted_kit`` is ``assisted-kit``."""

from __future__ import annotations

from assisted_kit.cli.main import main

main(prog_name="assisted-kit")
