# SPDX-License-Identifier: Apache-2.0
"""Hooks that wait (contract section 1).

A hook may sleep a little between two tries of its own storage work.  What it
sleeps beyond the time that a hook has is taken down and left out, so that it
fails where hooks must not wait, and not by everything that comes after.  One
that still goes on to sleep waits for something, and is ended.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from conformance.watch import calls
from conformance.watch.calls import DriverCall
from conformance.watch.calls import Sort

ENOUGH = 5.0
"""Seconds that a hook may sleep in all: what it has to try once more is on a
share that has nothing else to do."""

LEFT_OUT = 20
"""How many sleeps of a hook are left out, before it is ended."""


class WaitedTooLong(SystemExit):
    """Ends a hook that sleeps; no Exception, which retries swallow."""


def sleeping(
    sleep: Callable[[float], None],
) -> Callable[[float], None]:
    """``time.sleep``, within what a hook has time for."""

    def watched(seconds: float) -> None:
        call = calls.current()
        if call is not None:
            call.check()
        if call is not None and call.is_hook:
            call.slept += seconds
            if call.slept > ENOUGH:
                call.saw(
                    Sort.WAIT,
                    f"asked to sleep {call.slept:g} s in all, and a hook "
                    f"may {ENOUGH:g} s",
                )
                call.left_out += 1
                if call.left_out > LEFT_OUT:
                    raise WaitedTooLong(
                        f"ended by the kit: {call} sleeps {call.slept:g} s"
                    )
                return
        sleep(seconds)

    return watched


def starting(call: DriverCall, words: Sequence[str]) -> None:
    """A command is started, which may do nothing but wait."""
    lines = [*words[:1], *(line for c, line in pairwise(words) if c == "-c")]
    if call.is_hook and any(map(_SLEEP.search, lines)):
        call.saw(Sort.WAIT, f"started {shlex.join(words)}")


_SLEEP = re.compile(r"(?:^|[/;&|\s])sleep(?:\s+[0-9]|$)")
"""The program, alone or in a line for a shell."""


def reading_again(refresh: Callable[[Any], None]) -> Callable[[Any], None]:
    """``Ref.refresh``, by which a hook waits for somebody's changes."""

    def watched(ref: Any) -> None:
        call: DriverCall | None = calls.current()
        if call is not None and call.is_hook:
            call.saw(Sort.WAIT, f"read {ref!r} again (refresh)")
        with calls.aside():
            refresh(ref)

    return watched
