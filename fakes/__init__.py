# SPDX-License-Identifier: Apache-2.0
"""The other side of the contract: what a driver works with, played."""

from __future__ import annotations
