# SPDX-License-Identifier: Apache-2.0
"""What stands for the death of the volume service in the suite's process."""

from __future__ import annotations


class Killed(BaseException):
    """The volume service was killed; no Exception, which would be handled.

    What the dead process would have done next, nobody does.

    :param where: the point, or how it is called.
    """

    def __init__(self, where: object) -> None:
        super().__init__(f"killed {where}")
        self.where = where
