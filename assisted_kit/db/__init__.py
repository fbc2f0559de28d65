# SPDX-License-Identifier: Apache-2.0
"""What the kit keeps in Cinder's database, and how it gets there."""

from __future__ import annotations
