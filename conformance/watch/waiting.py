# SPDX-License-Identifier: Apache-2.0
"""Hooks that wait (contract section 1).

A hook may sleep a little between two tries of its own storage work.  What it
sleeps beyond the time that a hook has is taken down and left out, so that it
fails where hooks must not wait, and not by everything that comes after.  One
that still goes on to sleep waits for something, and is ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.watch import calls
from conformance.watch.calls import DriverCall
from conformance.watch.calls import Sort

LEFT_OUT = 20
"""How many sleeps of a hook are left out, before it is ended."""


class WaitedTooLong(SystemExit):
    """Ends a hook that sleeps; no Exception, which retries swallow."""


def sleeping(
    sleep: Callable[[float], None], patience: float
) -> Callable[[float], None]:
    """``time.sleep``, within what a hook has time for.

    :param patience: seconds that a hook may take at all.
    """

    def watched(seconds: float) -> None:
        call = calls.current()
        if call is not None:
            call.check()
        if call is not None and call.is_hook:
            call.slept += seconds
            if call.slept > patience:
                call.saw(
                    Sort.WAIT,
                    f"asked to sleep {call.slept:g} s in all, and a hook "
                    f"has {patience:g} s",
                )
                call.left_out += 1
                if call.left_out > LEFT_OUT:
                    raise WaitedTooLong(
                        f"ended by the kit: {call} sleeps {call.slept:g} s"
                    )
                return
        sleep(seconds)

    return watched


def reading_again(refresh: Callable[[Any], None]) -> Callable[[Any], None]:
    """``Ref.refresh``, by which a hook waits for somebody's changes."""

    def watched(ref: Any) -> None:
        call: DriverCall | None = calls.current()
        if call is not None and call.is_hook:
            call.saw(Sort.WAIT, f"read {ref!r} again (refresh)")
        with calls.aside():
            refresh(ref)

    return watched
