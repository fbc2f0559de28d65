# SPDX-License-Identifier: Apache-2.0
"""Ending a call that a test makes itself, on the process's main thread.

Whatever that thread waits for, a lock or a file, a signal interrupts; what a
signal's handler raises comes out of the call.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

from conformance.watch import calls
from conformance.watch.calls import DriverCall

SIGNAL = signal.SIGRTMIN + 3
"""One that neither Python nor a test runner has a use for."""


def is_here() -> bool:
    """Whether this is the main thread."""
    return threading.current_thread() is threading.main_thread()


def runs(call: DriverCall) -> bool:
    """Whether a call is on the main thread."""
    return call.thread == threading.main_thread().ident


def prepare() -> None:
    """Have the signal end a call that was given up.

    Elsewhere than on the main thread nothing is done: Python lets no other
    thread have a handler.
    """
    if is_here() and signal.getsignal(SIGNAL) is not _end_call:
        signal.signal(SIGNAL, _end_call)


def interrupt(call: DriverCall) -> None:
    """Interrupt a call that was given up, if it can be."""
    # Without the handler it would end the process.
    if runs(call) and signal.getsignal(SIGNAL) is _end_call:
        signal.pthread_kill(call.thread, SIGNAL)


def _end_call(_number: int, _frame: FrameType | None) -> None:
    call = calls.current()
    # It may have returned meanwhile.
    if call is not None:
        call.check()
