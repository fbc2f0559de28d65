# SPDX-License-Identifier: Apache-2.0
"""The revisions, oldest first by file name."""

from __future__ import annotations
