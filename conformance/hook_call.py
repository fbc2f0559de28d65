# SPDX-License-Identifier: Apache-2.0
"""The call of a hook, as plain data for a process that has just started.

It imports little besides the driver, since there are many such processes.
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import BinaryIO

from oslo_context import context as oslo_context

from assisted_kit import subject as subjects
from assisted_kit.adapter import DriverAdapter
from assisted_kit.driver import Hook
from assisted_kit.refs import AttachmentRef
from assisted_kit.refs import SnapshotRef
from assisted_kit.refs import VolumeRef
from assisted_kit.subject import Subject


@dataclass(frozen=True, slots=True)
class Request:
    """What the process is to do, as plain data."""

    driver: str
    config_file: str | None
    adapter: type[DriverAdapter]
    database: str | None
    share: Path
    base_format: str
    hook: str
    snapshot_id: str
    volume: Mapping[str, Any]
    snapshots: list[Mapping[str, Any]]
    attachments: list[Mapping[str, Any]]
    context: Mapping[str, Any] | None

    @classmethod
    def of(
        cls,
        subject: Subject,
        share: Path,
        base_format: str,
        hook: Hook,
        snapshot_ref: SnapshotRef,
    ) -> Request:
        """The call of a hook for a snapshot."""
        volume = snapshot_ref.volume
        context = snapshot_ref.obj_context
        return cls(
            subject.driver,
            subject.config_file,
            type(subject.adapter),
            subject.database_url,
            share,
            base_format,
            hook,
            snapshot_ref.id,
            _fields(volume),
            [_fields(snapshot) for snapshot in volume.snapshots],
            [_fields(a) for a in volume.volume_attachment],
            context and context.to_dict(),
        )

    def subject(self) -> Subject:
        """The driver under test, imported."""
        return subjects.load(self.driver, self.config_file, self.adapter)

    def driver_and_ref(self) -> tuple[Any, SnapshotRef]:
        """A new driver instance, and what its hook is called with."""
        subject = self.subject()
        subject.adapter.join(self.database)
        driver = subject.adapter.construct(
            self.share,
            base_format=self.base_format,
            execute=subject.execute,
        )
        return driver, _snapshot(self)

    def call(self) -> Any:
        """Call the hook in this process."""
        driver, snapshot_ref = self.driver_and_ref()
        return getattr(driver, self.hook)(snapshot_ref)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the hook ended there."""

    returned: Any = None
    error: tuple[str, str, str] | None = None
    """Name of the exception's class, its text, and the traceback."""

    @classmethod
    def of(cls, call: Callable[[], Any]) -> bytes:
        """How a call ended, as bytes for another process."""
        try:
            return pickle.dumps(cls(_plain(call())))
        except BaseException as error:
            trace = "".join(traceback.format_exception(error))
            failed = cls(error=(type(error).__name__, str(error), trace))
            return pickle.dumps(failed)

    def result(self) -> Any:
        """What the hook returned; raises what it raised."""
        if self.error is not None:
            name, text, trace = self.error
            # Exceptions count by the name of their class (section 1).
            error = type(name, (Exception,), {})(text)
            error.add_note(f"in the other process:\n{trace}")
            raise error
        return self.returned


def _plain(returned: Any) -> Any:
    """What another process takes for the same update.

    A hook may return any mapping (section 2), whether or not it can be
    pickled.
    """
    if isinstance(returned, Mapping):
        return {key: _plain(value) for key, value in returned.items()}
    try:
        pickle.dumps(returned)
    except Exception:
        # It is no part of an update, and is refused by what it looks like.
        return repr(returned)
    return returned


def _fields(ref: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in ref._fields.items()
        if name not in ("snapshots", "volume_attachment")
    }


def environment() -> dict[str, str]:
    """What lets another interpreter import what this one can."""
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    return {**os.environ, "PYTHONPATH": path}


def main() -> None:
    """Do what the standard input says; the output is the outcome."""
    request: Request = pickle.load(sys.stdin.buffer)  # noqa: S301
    with outcomes_alone() as output:
        output.write(Outcome.of(request.call))


def outcomes_alone() -> BinaryIO:
    """The standard output, into which nothing gets that a driver prints."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return output


def _snapshot(request: Request) -> SnapshotRef:
    context = request.context and oslo_context.RequestContext.from_dict(
        dict(request.context), overwrite=False
    )
    volume = VolumeRef(
        {
            **request.volume,
            "snapshots": [
                SnapshotRef(fields, obj_context=context)
                for fields in request.snapshots
            ],
            "volume_attachment": [
                AttachmentRef(fields, obj_context=context)
                for fields in request.attachments
            ],
        },
        obj_context=context,
    )
    found: SnapshotRef | None = None
    for snapshot in volume.snapshots:
        snapshot.bind(volume)
        if snapshot.id == request.snapshot_id:
            found = snapshot
    assert found is not None, "the snapshot is none of its volume's"
    return found


if __name__ == "__main__":
    # Pickled names are those of the module, not of the program.
    from conformance import hook_call

    hook_call.main()
