# SPDX-License-Identifier: Apache-2.0
"""Drivers that are deliberately broken: each one defect of the field.

They prove the judge: every rule of the suite is failed by one of them.  The
defects are named after those that Cinder's drivers have had.
"""

from __future__ import annotations

from fakes.broken import abilities
from fakes.broken import callers
from fakes.broken import commands
from fakes.broken import concurrency
from fakes.broken import conduct
from fakes.broken import conduct_commands
from fakes.broken import conduct_images
from fakes.broken import conduct_secrets
from fakes.broken import connections
from fakes.broken import crashes
from fakes.broken import creates
from fakes.broken import deletes
from fakes.broken import encryption
from fakes.broken import failures
from fakes.broken import faults
from fakes.broken import formats
from fakes.broken import interface
from fakes.broken import interference
from fakes.broken import layout
from fakes.broken import merges
from fakes.broken import pending
from fakes.broken import reconciling
from fakes.broken import reports
from fakes.broken import requests
from fakes.broken import restarts
from fakes.broken import sequences
from fakes.broken import trust
from fakes.broken.registry import BrokenDriver as BrokenDriver

BROKEN: tuple[BrokenDriver, ...] = (
    *abilities.BROKEN,
    *callers.BROKEN,
    *concurrency.BROKEN,
    *commands.BROKEN,
    *conduct.BROKEN,
    *conduct_commands.BROKEN,
    *conduct_images.BROKEN,
    *conduct_secrets.BROKEN,
    *connections.BROKEN,
    *creates.BROKEN,
    *deletes.BROKEN,
    *encryption.BROKEN,
    *formats.BROKEN,
    *failures.BROKEN,
    *faults.BROKEN,
    *interface.BROKEN,
    *interference.BROKEN,
    *layout.BROKEN,
    *merges.BROKEN,
    *reconciling.BROKEN,
    *pending.BROKEN,
    *requests.BROKEN,
    *restarts.BROKEN,
    *crashes.BROKEN,
    *sequences.BROKEN,
    *reports.BROKEN,
    *trust.BROKEN,
)
"""Every broken driver, with the rules that it breaks."""
