# SPDX-License-Identifier: Apache-2.0
"""Where the process of a Cinder 29 dies, and how its driver waits for Nova.

What the process would have done after that place is not done; files,
database and guests stay as they are there.
"""

from __future__ import annotations

import contextlib
import enum
from pathlib import Path


class ProcessDied(BaseException):
    """Stands in for SIGKILL: nothing that handles errors handles it."""


class Place(enum.Enum):
    """Where a process dies."""

    BEFORE_NOVA = "before Nova is asked"
    WAITING = "while the driver waits for Nova, whatever was reported"
    INFO_FILE = "before the info file is written"
    INSIDE_INFO_FILE = "while the info file is written: it is empty"
    REMOVAL = "before the file that is not needed any more is removed"


class DriversTime:
    """The ``time`` of a driver that waits for Nova.

    A sleep lasts until Nova has nothing more to do.  If the driver sleeps
    again there will be no report: then its whole time passes at once.
    """

    def __init__(self, nova) -> None:
        self._nova = nova

    def sleep(self, seconds: float) -> None:
        """Wait for Nova."""
        self._nova.join()


@contextlib.contextmanager
def dying(service, time: DriversTime, place: Place):
    """Have the process die in the body, at a place that it must reach."""
    driver = service.driver
    if place is Place.WAITING:
        driver._nova = _NoReturn(driver._nova, time)
    elif place is Place.BEFORE_NOVA:
        driver._nova = _NoNova()
    elif place is Place.REMOVAL:
        driver._delete = _die
    else:
        driver._write_info_file = (
            _die if place is Place.INFO_FILE else _truncate
        )
    try:
        yield
    except ProcessDied:
        return
    raise AssertionError(f"it was never {place.value}")


def _die(*_arguments, **_named):
    raise ProcessDied


def _truncate(path, _content):
    # As ``open(path, "w")`` does, before anything is written.
    Path(path).write_bytes(b"")
    raise ProcessDied


class _NoNova:
    create_volume_snapshot = staticmethod(_die)
    delete_volume_snapshot = staticmethod(_die)


class _NoReturn:
    """Nova is asked, and does all that it will; nobody is there to see it.

    That the driver sleeps is not waited for: a fast Nova's report is there
    before it does.
    """

    def __init__(self, nova, time: DriversTime) -> None:
        self._nova = nova
        self._time = time

    def create_volume_snapshot(self, *arguments, **named):
        self._nova.create_volume_snapshot(*arguments, **named)
        self._wait()

    def delete_volume_snapshot(self, *arguments, **named):
        self._nova.delete_volume_snapshot(*arguments, **named)
        self._wait()

    def _wait(self):
        self._time.sleep(0)
        raise ProcessDied
