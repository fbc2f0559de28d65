# SPDX-License-Identifier: Apache-2.0
"""What is not on the share, and who touches it.

The kernel tells of every process that opens a file there (inotify), a
command's child included; and whoever connects to the sockets is noted and
gets no answer.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Mapping
from pathlib import Path

import fixtures

from conformance.hostile.socket_files import bind
from conformance.hostile.surroundings import MARKER
from conformance.hostile.surroundings import SOCKET
from conformance.watch import inotify

TOUCHES: Mapping[int, str] = {
    0x1: "read",
    0x2: "written to",
    0x4: "changed in owner or mode",
    0x20: "opened",
    0x40: "renamed",
    0x80: "put there",
    0x100: "made",
    0x200: "removed",
}
"""inotify's events, in words."""


class Outside(fixtures.Fixture):
    """A directory with a marker that nobody may open, and two sockets.

    :ivar port: of 127.0.0.1, where somebody listens; the other socket is
        in the directory.
    """

    def _setUp(self) -> None:
        self.path = Path(self.useFixture(fixtures.TempDir()).path)
        (self.path / MARKER).write_bytes(b"not yours\n".ljust(4096, b"\0"))
        self._connections: list[str] = []
        network = self._socket(socket.AF_INET)
        network.bind(("127.0.0.1", 0))
        local = self._socket(socket.AF_UNIX)
        bind(local, self.path / SOCKET)
        self.port: int = network.getsockname()[1]
        self._serve({network: f"port {self.port}", local: SOCKET})
        self._descriptor = inotify.watch([self.path], sum(TOUCHES))
        self.addCleanup(os.close, self._descriptor)

    def forget(self) -> None:
        """What has been touched so far, somebody else has touched."""
        list(inotify.events(self._descriptor))
        self._connections.clear()

    def touches(self) -> list[str]:
        """What was touched and how, in order, since it was last asked.

        :raises CannotWatch: there was more than the kernel keeps.
        """
        found: list[str] = []
        for mask, name in inotify.events(self._descriptor):
            if mask & inotify.OVERFLOW:
                raise inotify.CannotWatch("inotify overflowed")
            for bit, word in TOUCHES.items():
                said = f"{name or 'the directory'} was {word}"
                if mask & bit and said not in found:
                    found.append(said)
        found += [f"{each} was connected to" for each in self._connections]
        self._connections.clear()
        return found

    def _socket(self, family: socket.AddressFamily) -> socket.socket:
        made = socket.socket(family)
        self.addCleanup(made.close)
        return made

    def _serve(self, listeners: Mapping[socket.socket, str]) -> None:
        """Hang up on whoever connects, so that nobody waits for us."""
        stop, stopped = socket.socketpair()
        self.addCleanup(stopped.close)
        self.addCleanup(stop.close)
        selector = selectors.DefaultSelector()
        for listener in listeners:
            listener.listen()
        for listener in (*listeners, stopped):
            selector.register(listener, selectors.EVENT_READ)

        def serve() -> None:
            with selector:
                while True:
                    for key, _ in selector.select():
                        if key.fileobj is stopped:
                            return
                        assert isinstance(key.fileobj, socket.socket)
                        # Known before the caller can go on.
                        self._connections.append(listeners[key.fileobj])
                        key.fileobj.accept()[0].close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(stop.send, b"x")
