# SPDX-License-Identifier: Apache-2.0
"""Info files that are damaged, or name what is none of the volume's."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from conformance.hostile.backing_files import NAMES
from conformance.hostile.surroundings import MARKER
from conformance.hostile.surroundings import Surroundings

PutInfo: TypeAlias = Callable[[Surroundings, Path], None]
"""Puts something in the place of an info file."""

DAMAGED: Mapping[str, bytes] = {
    "empty": b"",
    "space": b" \n",
    "NUL": b"\0",
    "zeros, as a crash leaves them": bytes(4096),
    "cut_off": b'{"active": "volume-',
    "cut off behind a key": b'{"active"',
    "cut off behind a brace": b"{",
    "cut off before the last brace": b'{"active": "volume-1"',
    "brace too many": b'{"active": "volume-1"}}',
    "twice": b'{"active": "volume-1"}{"active": "volume-1"}',
    "rubbish behind": b'{"active": "volume-1"}\0\0\0\0',
    "a_list": b"[]",
    "a list of pairs": b'[["active", "volume-1"]]',
    "a list of names": b'["active"]',
    "string": b'"active"',
    "number": b"1",
    "true": b"true",
    "null": b"null",
    "not a number": b"NaN",
    "without_active": b"{}",
    "Active": b'{"Active": "volume-1"}',
    "active is null": b'{"active": null}',
    "active is a number": b'{"active": 1}',
    "active is true": b'{"active": true}',
    "active is a list": b'{"active": ["volume-1"]}',
    "active is an object": b'{"active": {"name": "volume-1"}}',
    "active is empty": b'{"active": ""}',
    "active has a NUL": b'{"active": "volume-1\\u0000"}',
    "active is half a character": b'{"active": "\\ud800"}',
    "nested_too_deep": b"[" * 200_000,
    "nested objects": b'{"active":' * 100_000,
    "number of many digits": b'{"active": ' + b"9" * 10_000 + b"}",
    "longer than any": b'{"active": "' + b"v" * 3 * 1024**2 + b'"}',
    "not UTF-8": b'{"active": "volume-\xff"}',
    "single quotes": b"{'active': 'volume-1'}",
    "comment": b'// {"active": "volume-1"}\n',
    "YAML": b"active: volume-1\n",
    "pickle": b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}.",
    "qcow2 image": b"QFI\xfb\0\0\0\3".ljust(512, b"\0"),
}
"""SEC-003: what an info file can hold that is none."""

FOREIGN: Mapping[str, str] = {
    **NAMES,
    "image above it all": "{own}.info",
    "nothing": "",
}
"""SEC-011: templates of what an info file can name as active."""


def _link(template: str) -> PutInfo:
    def put(around: Surroundings, info: Path) -> None:
        content = info.read_bytes()
        (around.outside / info.name).write_bytes(content)
        info.unlink()
        info.symlink_to(around.name(template).replace("{info}", info.name))

    return put


def _directory(_around: Surroundings, info: Path) -> None:
    info.unlink()
    info.mkdir()


def _continued(_around: Surroundings, info: Path) -> None:
    """Whoever reads a part of it finds nothing wrong."""
    info.write_bytes(info.read_bytes().ljust(1024**2) + b"}")


NO_FILES: Mapping[str, PutInfo] = {
    "link to a copy of it": _link("{outside}/{info}"),
    "link to a copy of it, relative": _link("{up}/{info}"),
    "link to a file outside": _link(f"{{outside}}/{MARKER}"),
    "link to nothing": _link("{outside}/nothing"),
    # Not /dev/zero: who reads that to the end takes the host's memory.
    "link to a device": _link("/dev/null"),
    "directory": _directory,
    "goes on behind a mebibyte": _continued,
}
"""SEC-003: what is in the place of an info file and is no whole one."""
