# SPDX-License-Identifier: Apache-2.0
"""What stands for the death of the volume service in the suite's process."""

from __future__ import annotations

from conformance.crash.points import Point


class Killed(BaseException):
    """The volume service was killed; no Exception, which would be handled.

    What the dead process would have done next, nobody does.
    """

    def __init__(self, point: Point) -> None:
        super().__init__(f"killed at {point}")
        self.point = point
