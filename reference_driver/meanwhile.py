# SPDX-License-Identifier: Apache-2.0
"""Work that is done while another process does its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor


@contextlib.contextmanager
def meanwhile(work: Callable[[], object], *, pays: bool) -> Iterator[None]:
    """Do some work while the body waits for a process.

    At the end both are done.  Of two that fail, the body's error is raised.

    :param pays: false does it before: it takes less than to start a thread.
    """
    if not pays:
        work()
        yield
        return
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        yield
        done.result()
