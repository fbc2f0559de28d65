# SPDX-License-Identifier: Apache-2.0
"""A back end with the hooks in a Cinder that does not call them.

:class:`BlockingSnapshots` gives it ``create_snapshot`` and
``delete_snapshot``, which run the hooks, tell Nova, and wait.
"""

from __future__ import annotations

from assisted_kit.cinder.blocking.driver import BlockingSnapshots

__all__ = ["BlockingSnapshots"]
