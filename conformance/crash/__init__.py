# SPDX-License-Identifier: Apache-2.0
"""Killing a driver wherever what it has done can be told by the share.

``points`` is in the process that dies, ``server`` forks that process, and
``fork_server`` is the suite's end of it; ``sweep`` has an operation die at
one point after the other.
"""

from __future__ import annotations
