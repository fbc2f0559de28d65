# SPDX-License-Identifier: Apache-2.0
"""The programs, by the module of Cinder's that is at fault, or by matter."""

from __future__ import annotations

from conformance.cinder_report.finding import ALL
from conformance.cinder_report.findings import api  # noqa: F401
from conformance.cinder_report.findings import copies  # noqa: F401
from conformance.cinder_report.findings import encryption  # noqa: F401
from conformance.cinder_report.findings import nfs  # noqa: F401
from conformance.cinder_report.findings import quobyte  # noqa: F401
from conformance.cinder_report.findings import races  # noqa: F401
from conformance.cinder_report.findings import remotefs  # noqa: F401
from conformance.cinder_report.findings import vzstorage  # noqa: F401

__all__ = ["ALL"]
