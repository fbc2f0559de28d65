# SPDX-License-Identifier: Apache-2.0
"""Being somebody who may do little, and a helper who may do everything."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER = 12345
"""Nobody of the host's."""

_HIDING = 0o711
"""What is shown of a home directory of root's: its files can be used by
whoever knows their names."""

_SHOWN = """\
set -e
mount -t tmpfs tmpfs {place}
mkdir {place}/up {place}/work
chmod --reference={private} {place}/up
mount -t overlay overlay -o \\
    lowerdir={private},upperdir={place}/up,workdir={place}/work {private}
chmod {mode:o} {private}
"""

CLIENT = """\
import json, os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
asked = json.dumps({"words": sys.argv[2:], "cwd": os.getcwd()}).encode()
socket.send_fds(link, [asked], [0, 1, 2])
link.shutdown(socket.SHUT_WR)
sys.exit(int(link.recv(16) or 99))
"""


class CannotBeAnother(Exception):
    """Not here; the message says why."""


def another_user(place: Path) -> list[str]:
    """What makes a command one of :data:`USER`'s.

    Where the interpreter is in a directory that is root's alone, that is
    shown to others in a mount namespace of the command's own.

    :param place: an empty directory, to mount something in.
    :raises CannotBeAnother: this machine cannot.
    """
    if os.geteuid() != 0:
        raise CannotBeAnother("only root may be somebody else")
    for program in ("setpriv", "unshare"):
        if shutil.which(program) is None:
            raise CannotBeAnother(f"{program} is not installed")
    shown = "".join(
        _SHOWN.format(place=place, private=private, mode=_HIDING)
        for private in sorted(_private())
    )
    change = f"setpriv --reuid={USER} --regid={USER} --clear-groups"
    script = f'{shown}exec {change} "$@"\n'
    words = ["unshare", "--mount", "sh", "-c", script, "sh"]
    tried = subprocess.run(
        [*words, sys.executable, "-c", "import assisted_kit"],
        check=False,
        capture_output=True,
        text=True,
    )
    if tried.returncode:
        raise CannotBeAnother(tried.stderr.strip())
    return words


def _private() -> set[Path]:
    """Directories on the way to what is run that are not for others."""
    used = (sys.prefix, sys.base_prefix, sys.executable, __file__)
    paths = {Path(name).resolve() for name in used} | {Path(sys.prefix)}
    ways = {parent for path in paths for parent in (path, *path.parents)}
    return {way for way in ways if way.is_dir() and not way.stat().st_mode & 1}


@contextmanager
def root_helper() -> Iterator[list[str]]:
    """A command that has this process, which is root, run what follows it."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        place.chmod(0o755)
        client = place / "client.py"
        client.write_text(CLIENT)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(place / "socket"))
            (place / "socket").chmod(0o666)
            server.listen(64)
            thread = threading.Thread(target=_serve, args=(server,))
            thread.start()
            try:
                interpreter = [sys.executable, "-I", "-S"]
                yield [*interpreter, str(client), str(place / "socket")]
            finally:
                # Whoever waits for a connection is told that none comes.
                server.shutdown(socket.SHUT_RDWR)
                thread.join()


def _serve(server: socket.socket) -> None:
    while True:
        try:
            link, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_carry_out, args=(link,)).start()


def _carry_out(link: socket.socket) -> None:
    with link:
        asked, descriptors, _, _ = socket.recv_fds(link, 2**20, 3)
        try:
            said = json.loads(asked)
            done = subprocess.run(
                said["words"],
                cwd=said["cwd"],
                stdin=descriptors[0],
                stdout=descriptors[1],
                stderr=descriptors[2],
                check=False,
            )
            # As a shell has it of a process that a signal has ended.
            code = done.returncode
            link.sendall(str(code if code >= 0 else 128 - code).encode())
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
