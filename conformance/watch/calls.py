# SPDX-License-Identifier: Apache-2.0
"""Calls of the driver, and which of them a thread is at work for."""

from __future__ import annotations

import enum
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from assisted_kit.driver import Hook

# Audit hooks and patched methods of classes are the whole process', so who
# they are at work for must be known to the whole process as well.
_HERE = threading.local()

_INHERITED = "_assisted_kit_call"
"""The attribute of a thread that says which call has started it."""


_KITS = frozenset({"assisted_kit", "conformance"})
"""Packages that a driver may have base classes of, and is not in."""


class Sort(enum.StrEnum):
    """What a hook must not do (contract sections 1 and 2)."""

    DATABASE = "writes the database"
    COMPUTE = "calls the compute service"
    WAIT = "waits"
    LIVE_IMAGE = "writes an image that a guest has open"


class GivenUp(SystemExit):
    """Ends a call that has not returned; no Exception, which retries swallow.

    Whatever the call starts, opens or sleeps from then on raises it.
    """


@dataclass(frozen=True, slots=True)
class Sighting:
    """One thing that a driver was seen to do, and where."""

    sort: Sort
    call: DriverCall
    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.call} {self.what}, at {self.where}"


class DriverCall:
    """One call of a method of the driver's, from entry to return.

    :param modules: some of the driver's; their packages are its code.
    """

    def __init__(
        self,
        name: str,
        book: CallBook,
        *,
        modules: Iterable[str] = (),
        volume_id: str | None = None,
        snapshot_id: str | None = None,
    ) -> None:
        self.name = name
        self.volume_id = volume_id
        self.snapshot_id = snapshot_id
        self.slept = 0.0
        """Seconds that the call has asked to sleep."""
        self.left_out = 0
        """How many of its sleeps were left out, as they were too long."""
        self.is_given_up = False
        """Nobody waits for it any more; see :meth:`check`."""
        self.thread = threading.get_ident()
        self.began = time.monotonic()
        self._book = book
        self._packages = {m.partition(".")[0] for m in modules} - _KITS

    def __str__(self) -> str:
        return self.name

    @property
    def is_hook(self) -> bool:
        """Whether it is one of the four hooks."""
        return self.name in set(Hook)

    @property
    def book(self) -> CallBook:
        """Where the call is under way."""
        return self._book

    def check(self) -> None:
        """See that somebody still waits for the call.

        :raises GivenUp: nobody does.
        """
        if self.is_given_up:
            raise GivenUp(f"ended by the kit: {self} had not returned")

    def saw(self, sort: Sort, what: str, where: str = "") -> None:
        """Take down what the driver does at this moment."""
        self._book.add(Sighting(sort, self, what, where or self.where()))

    def where(self) -> str:
        """The line of the driver's that this thread is at."""
        frame = sys._getframe(1)
        while not self.is_drivers(frame.f_globals.get("__name__", "")):
            if frame.f_back is None:
                break
            frame = frame.f_back
        return place(frame)

    def is_drivers(self, module: str) -> bool:
        """Whether a module is the driver's, going by its package."""
        return module.partition(".")[
            0
        ] in self._packages and not module.startswith("fakes.compute")


class CallBook:
    """The calls under way, and everything that was seen of them."""

    def __init__(self) -> None:
        self._under_way: list[DriverCall] = []
        self._sightings: list[Sighting] = []
        self._lock = threading.Lock()
        self.troubles: list[Exception] = []
        """What went wrong in the watching itself."""

    @contextmanager
    def call(self, call: DriverCall) -> Iterator[DriverCall]:
        """This thread is at work for ``call`` meanwhile."""
        with self._lock:
            self._under_way.append(call)
        before = getattr(_HERE, "call", None)
        _HERE.call = call
        try:
            yield call
        finally:
            _HERE.call = before
            with self._lock:
                self._under_way.remove(call)

    @property
    def under_way(self) -> list[DriverCall]:
        """The calls that have not returned, the oldest first."""
        with self._lock:
            return list(self._under_way)

    def add(self, sighting: Sighting) -> None:
        """Take down what was seen."""
        with self._lock:
            self._sightings.append(sighting)

    def sightings(self, sort: Sort) -> list[Sighting]:
        """What was seen of one sort, in order."""
        with self._lock:
            return [s for s in self._sightings if s.sort is sort]


def current() -> DriverCall | None:
    """The call of the driver's that this thread is at work for, if any.

    A thread that a call has started belongs to it.  When that has returned
    it belongs to the newest call under way: pools are made once.
    """
    if getattr(_HERE, "aside", False):
        return None
    call: DriverCall | None = getattr(_HERE, "call", None)
    if call is not None:
        return call
    # Not current_thread(), which makes an object where there is none.
    thread = threading._active.get(  # type: ignore[attr-defined]
        threading.get_ident()
    )
    inherited: DriverCall | None = getattr(thread, _INHERITED, None)
    if inherited is None:
        return None
    call, under_way = inherited, inherited.book.under_way
    return call if call in under_way or not under_way else under_way[-1]


@contextmanager
def aside() -> Iterator[None]:
    """What this thread does meanwhile is the kit's own work."""
    before = getattr(_HERE, "aside", False)
    _HERE.aside = True
    try:
        yield
    finally:
        _HERE.aside = before


def starting(start: Callable[..., Any]) -> Callable[..., Any]:
    """``Thread.start``; Python tells it as an audit event since 3.12 only."""

    def started(thread: threading.Thread) -> Any:
        call = current()
        if call is not None:
            setattr(thread, _INHERITED, call)
        return start(thread)

    return started


def inheriting(start_new_thread: Callable[..., Any]) -> Callable[..., Any]:
    """``_thread.start_new_thread``, for threads that are no objects."""

    def start(
        function: Callable[..., Any], args: Any, kwargs: Any = None
    ) -> Any:
        call = current()

        def run(*args: Any, **kwargs: Any) -> None:
            _HERE.call = call
            function(*args, **kwargs)

        return start_new_thread(run if call else function, args, kwargs or {})

    return start


def place(frame: Any) -> str:
    """File, line and function of a frame."""
    code = frame.f_code
    return f"{code.co_filename}:{frame.f_lineno} in {code.co_name}"
