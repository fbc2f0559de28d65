# SPDX-License-Identifier: Apache-2.0
"""The compute service: Nova, its instances and their hypervisor."""

from __future__ import annotations

from fakes.compute.errors import BadRequest
from fakes.compute.errors import ComputeApiError
from fakes.compute.errors import HypervisorError
from fakes.compute.faults import Fault
from fakes.compute.faults import FaultPlan
from fakes.compute.generations import Generation
from fakes.compute.instances import Disk
from fakes.compute.instances import Instance
from fakes.compute.nova import FakeNova

__all__ = [
    "BadRequest",
    "ComputeApiError",
    "Disk",
    "FakeNova",
    "Fault",
    "FaultPlan",
    "Generation",
    "HypervisorError",
    "Instance",
]
