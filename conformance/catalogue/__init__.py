# SPDX-License-Identifier: Apache-2.0
"""The rules, in the order in which they are reported.

Each says what holds of a conforming driver, and nothing that the contract
does not say.  A module for each subject, whose tests are in the module of
the suite that is named like it.
"""

from __future__ import annotations

from collections.abc import Mapping

from assisted_kit.rules import Rule
from conformance.catalogue import abilities
from conformance.catalogue import attempts
from conformance.catalogue import callers
from conformance.catalogue import command_failures
from conformance.catalogue import concurrency
from conformance.catalogue import conduct
from conformance.catalogue import connections
from conformance.catalogue import crashes
from conformance.catalogue import create
from conformance.catalogue import data
from conformance.catalogue import delete
from conformance.catalogue import encryption
from conformance.catalogue import failures
from conformance.catalogue import faults
from conformance.catalogue import formats
from conformance.catalogue import interface
from conformance.catalogue import interference
from conformance.catalogue import layout
from conformance.catalogue import machine
from conformance.catalogue import pending
from conformance.catalogue import reconciliation
from conformance.catalogue import reports
from conformance.catalogue import restarts
from conformance.catalogue import security
from conformance.catalogue import updates

RULES: tuple[Rule, ...] = (
    *interface.RULES,
    *updates.RULES,
    *connections.RULES,
    *create.RULES,
    *layout.RULES,
    *formats.RULES,
    *delete.RULES,
    *reconciliation.RULES,
    *data.RULES,
    *concurrency.RULES,
    *interference.RULES,
    *failures.RULES,
    *command_failures.RULES,
    *attempts.RULES,
    *pending.RULES,
    *restarts.RULES,
    *crashes.RULES,
    *faults.RULES,
    *machine.RULES,
    *reports.RULES,
    *security.RULES,
    *conduct.RULES,
    *abilities.RULES,
    *encryption.RULES,
    *callers.RULES,
)
"""Every rule."""

BY_ID: Mapping[str, Rule] = {rule.id: rule for rule in RULES}
