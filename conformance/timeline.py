# SPDX-License-Identifier: Apache-2.0
"""What happened in a test, of both services, on one clock.

Whoever sees something notes when it was by ``time.perf_counter``, so that
what the volume service, the driver, its commands and Nova did is put into
one order afterwards, and costs nothing before.
"""

from __future__ import annotations

import enum
import textwrap
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass

_MILLISECOND = 1000


class Side(enum.StrEnum):
    """Who did something."""

    MANAGER = "manager"
    """The volume manager: statuses and phases (contract section 4)."""
    HOOK = "hook"
    """A call of the driver's, and its return."""
    FILE = "file"
    """The driver changes a file."""
    COMMAND = "command"
    """A process that the driver has started."""
    LOG = "log"
    """What the driver logged."""
    NOVA = "nova"
    """Nova: calls, the guest's chain, reports."""
    GUEST = "guest"
    """What the guest writes, and to which image."""
    TEST = "test"
    """What the test itself did: time that passes, a service that dies."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened."""

    when: float
    """Seconds of ``time.perf_counter``."""
    side: Side
    what: str


def ordered(*sources: Iterable[Moment]) -> list[Moment]:
    """Everything by the time at which it happened."""
    moments = [moment for source in sources for moment in source]
    return sorted(moments, key=lambda moment: moment.when)


def milliseconds(moments: Sequence[Moment]) -> list[float]:
    """When each moment was, from the first one on."""
    return [
        round((moment.when - moments[0].when) * _MILLISECOND, 1)
        for moment in moments
    ]


def drawn(moments: Sequence[Moment]) -> list[str]:
    """A line for each moment: milliseconds, side, and what it was."""
    return [
        f"{at:9.1f}  {moment.side:<7}  "
        + textwrap.indent(moment.what, " " * 20).lstrip()
        for at, moment in zip(milliseconds(moments), moments, strict=True)
    ]


def shortened(
    moments: Iterable[Moment], names: Mapping[str, str]
) -> list[Moment]:
    """The same with short names for long ones."""
    found = []
    for moment in moments:
        what = moment.what
        for long, short in names.items():
            what = what.replace(long, short)
        found.append(Moment(moment.when, moment.side, what))
    return found
