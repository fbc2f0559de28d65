# SPDX-License-Identifier: Apache-2.0
"""Watching a driver's work from outside, whatever it is written with.

Only what happens on the thread of a call of the driver's, and on threads
that it starts, is the driver's work; the manager, the compute service and
the suite itself work in the same process at the same time.
"""

from __future__ import annotations

from conformance.watch.calls import DriverCall as DriverCall
from conformance.watch.calls import GivenUp as GivenUp
from conformance.watch.calls import Sighting as Sighting
from conformance.watch.calls import Sort as Sort
from conformance.watch.commands import Command as Command
from conformance.watch.watch import Watch as Watch
