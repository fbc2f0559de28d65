# SPDX-License-Identifier: Apache-2.0
"""Drivers that give trouble before or beside their hooks' results."""

from __future__ import annotations

import abc
import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from reference_driver.driver import RemoteFSAssistedDriver

not_a_class = 3


class Good(RemoteFSAssistedDriver):
    """No trouble at all."""


class RawOnly(RemoteFSAssistedDriver):
    assisted_capabilities = frozenset(
        {"raw_base", "cinder_share_layout", "overlay_files"}
    )


# -- before the suite


class WithoutHooks:
    pass


class Legacy:
    def create_snapshot(self, snapshot): ...


class DeclaresUnknown(RemoteFSAssistedDriver):
    assisted_capabilities = frozenset({"raw_base", "flying"})


class DeclaresString(RemoteFSAssistedDriver):
    assisted_capabilities = "raw_base"


class DeclaresNoBase(RemoteFSAssistedDriver):
    assisted_capabilities = frozenset({"clone"})


class ConstructorRaises(RemoteFSAssistedDriver):
    def __init__(self, **_arguments):
        raise RuntimeError("no licence found")


class ConstructorExits(RemoteFSAssistedDriver):
    def __init__(self, **_arguments):
        sys.exit("goodbye")


class SetupRaises(RemoteFSAssistedDriver):
    def do_setup(self, context):
        raise RuntimeError("the back end is out of reach")


class CheckRaises(RemoteFSAssistedDriver):
    def check_for_setup_error(self):
        raise RuntimeError("the back end is not set up")


class Unfinished(RemoteFSAssistedDriver, abc.ABC):
    @abc.abstractmethod
    def not_written_yet(self): ...


# -- in a hook, or in an ordinary method


class EndsProcess(RemoteFSAssistedDriver):
    def create_snapshot_assisted_begin(self, snapshot_ref):
        os._exit(0)


class KillsProcess(RemoteFSAssistedDriver):
    def create_snapshot_assisted_begin(self, snapshot_ref):
        os.kill(os.getpid(), signal.SIGKILL)


class Exits(RemoteFSAssistedDriver):
    def create_snapshot_assisted_begin(self, snapshot_ref):
        sys.exit(0)


class Interrupts(RemoteFSAssistedDriver):
    def create_volume(self, volume):
        raise KeyboardInterrupt


class Hangs(RemoteFSAssistedDriver):
    def create_snapshot_assisted_begin(self, snapshot_ref):
        threading.Event().wait()


class HangsInCommand(RemoteFSAssistedDriver):
    def create_snapshot_assisted_begin(self, snapshot_ref):
        subprocess.run(["sleep", "1000000"], check=True)


class OpensImages(RemoteFSAssistedDriver):
    """Reads whatever has an image's name, a FIFO too."""

    def create_snapshot_assisted_begin(self, snapshot_ref):
        for path in Path(self._directory).glob(f"{snapshot_ref.volume.name}*"):
            with path.open("rb") as file:
                file.read(4)
        return super().create_snapshot_assisted_begin(snapshot_ref)


class HangsOutsideHooks(RemoteFSAssistedDriver):
    def create_volume(self, volume):
        threading.Event().wait()


class HangsForGood(RemoteFSAssistedDriver):
    def create_volume(self, volume):
        while True:
            with contextlib.suppress(BaseException):
                threading.Event().wait()


class Prints(RemoteFSAssistedDriver):
    def __init__(self, **arguments):
        sys.stdout.write("noise of a constructor")
        super().__init__(**arguments)

    def create_snapshot_assisted_begin(self, snapshot_ref):
        sys.stdout.write("noise of a hook " * 1000)
        os.write(1, b"noise of a library")
        return super().create_snapshot_assisted_begin(snapshot_ref)


class LeavesProcess(RemoteFSAssistedDriver):
    def create_snapshot_assisted_begin(self, snapshot_ref):
        left = subprocess.Popen(["sleep", "1000"])
        Path(os.environ["LEFT_PROCESS"]).write_text(f"{left.pid}")
        return super().create_snapshot_assisted_begin(snapshot_ref)


class WaitsForInterruption(RemoteFSAssistedDriver):
    """Tells a named pipe that it is in a hook, until Ctrl-C is pressed."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self._interrupted, written = os.pipe()
        os.set_blocking(written, False)
        signal.set_wakeup_fd(written)

    def create_snapshot_assisted_begin(self, snapshot_ref):
        self.tell()
        os.read(self._interrupted, 1)
        return super().create_snapshot_assisted_begin(snapshot_ref)

    def tell(self):
        Path(os.environ["IN_A_HOOK"]).write_text("!")


class IgnoresInterruption(WaitsForInterruption):
    """Tells it again after Ctrl-C, and stays in the hook for ever."""

    def create_snapshot_assisted_begin(self, snapshot_ref):
        try:
            super().create_snapshot_assisted_begin(snapshot_ref)
        finally:
            # Whether or not the clean-up has left it anything to work on.
            self.tell()
            threading.Event().wait()


# -- to the suite


class ReplacesClaim(RemoteFSAssistedDriver):
    """Has every claim about it hold."""

    supports_assisted_snapshots = "yes"

    def __init__(self, **arguments):
        super().__init__(**arguments)
        from conformance.case import ConformanceTest

        def claim(self, holds, expected, observed):
            self.assisted_evidence += 1

        ConformanceTest.claim = claim
