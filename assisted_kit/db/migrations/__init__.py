# SPDX-License-Identifier: Apache-2.0
"""Alembic's environment; run through :mod:`assisted_kit.db.migration`."""

from __future__ import annotations
