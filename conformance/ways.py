# SPDX-License-Identifier: Apache-2.0
"""The way in which a test of a rule fails, in a few digits.

Drivers with the same defect fail the same test, by the same claim, with the
same observed, and their hooks raise the same.  Of each of these texts there
is a digest, without what differs from one run to the next: the parts of a
way, which is as long as it is alike.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

_DIGITS = 4
"""Of each part: texts are compared only where the parts before are alike."""

MOST = 12
"""Ways that are kept of a driver's failures of one rule."""

_VARYING = (
    # How long a call may take, and where in the driver it was by then.
    (re.compile(r"\bin [\d.]+ s; it is at\n.*", re.DOTALL), "in time"),
    # Ids, of volumes, snapshots and whatever else.
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    # Where a service was killed, which may be a line of the driver's source.
    (re.compile(r"\bpoint \d+(, at \S+:\d+: .*)?"), "point"),
    # Of a path its last name, which may be an image's.
    (re.compile(r"(?<![\w.<])/(?:[^\s/'\",:]+/)*(?=[^\s/'\",:])"), "<path>/"),
    # A line of the driver's source, and the function that has it.
    (re.compile(r"( at)? \S+\.py:\d+( in \S+)?"), ""),
    # An open file's number, of /proc/self/fd.
    (re.compile(r"<path>/\d+\b"), "<path>/<number>"),
    # The names of temporary files and directories.
    (re.compile(r"\bassisted-kit[.-]\w{8}(\.\w{8})?\b"), "<temporary>"),
    (re.compile(r"\btmp\w{8}\b"), "<temporary>"),
    # Addresses and digests.
    (re.compile(r"\b(0x[0-9a-f]+|[0-9a-f]{12,})\b"), "<hex>"),
    # Offsets, sizes, process ids and times, not what an API has answered.
    (re.compile(r"\b\d+\.\d+\b|\b\d{4,}"), "<number>"),
)


class Likeness(enum.IntEnum):
    """How much of two ways is the same."""

    RULE = 0
    """No more than the rule."""
    TEST = 1
    """The test, by another claim."""
    ELSEWHERE = 2
    """What was expected and observed, in another test."""
    CLAIM = 3
    """The test and what was expected."""
    OBSERVED = 4
    """And what was observed."""
    RAISED = 5
    """And what a hook raised, if one did."""


_BY_COMMON = (
    Likeness.RULE,
    Likeness.TEST,
    Likeness.CLAIM,
    Likeness.OBSERVED,
    Likeness.RAISED,
)
"""By how many parts are the same, from the first one on."""


def way_of(test: str, said: Mapping[str, str]) -> str:
    """The way in which a test has failed.

    :param test: its name, in whatever class or module it is; the suite has
        each name once.
    :param said: as :func:`conformance.violation.in_short` puts it.
    """
    name = test.rpartition("::")[2].rpartition(".")[2]
    texts = [said.get(key, "") for key in ("expected", "observed", "raised")]
    return "".join(map(_digest, [name, *map(normal, texts)]))


def ways_of(failures: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The ways of some tests that failed, as a JSON result has them."""
    ways = [way_of(failure["test"], failure) for failure in failures]
    return tuple(dict.fromkeys(ways))[:MOST]


def normal(text: str) -> str:
    """A text without what differs from one run to the next."""
    for varying, name in _VARYING:
        text = varying.sub(name, text)
    # How often a driver does the same is no other way of doing it.
    lines = dict.fromkeys(line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def likeness(one: str, others: Iterable[str]) -> Likeness:
    """How alike a way is to that of the others which is most alike."""
    return max((_alike(one, other) for other in others), default=Likeness.RULE)


def _alike(one: str, other: str) -> Likeness:
    same = [
        mine == theirs
        for mine, theirs in zip(_parts(one), _parts(other), strict=False)
    ]
    common = same.index(False) if False in same else len(same)
    if same[:3] == [False, True, True]:
        return Likeness.ELSEWHERE
    return _BY_COMMON[common]


def _parts(way: str) -> list[str]:
    return [
        way[start : start + _DIGITS] for start in range(0, len(way), _DIGITS)
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
