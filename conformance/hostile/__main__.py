# SPDX-License-Identifier: Apache-2.0
"""Counts the hostile cases: ``python -m conformance.hostile``."""

from __future__ import annotations

import click

from conformance.hostile import counts

if __name__ == "__main__":
    click.echo("\n".join(counts.lines()))
