# SPDX-License-Identifier: Apache-2.0
"""Names that are none of the volume's, and formats that may not be."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.hostile import header
from conformance.hostile.surroundings import Images
from conformance.hostile.surroundings import Put
from conformance.hostile.surroundings import Surroundings

NAMES: Mapping[str, str] = {
    # Files, by paths.
    "absolute": "{outside}/marker",
    "absolute, a host's file": "/etc/hostname",
    "parent directory": "{up}/marker",
    "parent directory and back": "../{share_name}/{below}",
    "parent directory alone": "..",
    "own directory": ".",
    "own directory before a name": "./{below}",
    "sub-directory": "other/{below}",
    "sub-directory and back": "other/../{below}",
    "share and out of it": "{share}/{up}/marker",
    "share's directory": "{share}/",
    "slash behind": "{below}/",
    "another share's image": "{outside}/{below}",
    "root": "/",
    "process' environment": "/proc/self/environ",
    "process' descriptor": "/proc/self/fd/0",
    "descriptor": "/dev/fd/0",
    "descriptor set": "/dev/fdset/1",
    "device": "/dev/zero",
    # Files, by bare names.
    "another volume's": "{another}",
    "info file": "{below}.info",
    "another suffix": "{below}.exe",
    "half-made": "{below}.new",
    "suffix behind a suffix": "{below}.aa.bb",
    "dot behind": "{below}.",
    "longer": "{below}g",
    "upper case": "VOLUME-1",
    "home directory": "~",
    "trailing newline": "{below}\n",
    "trailing space": "{below} ",
    "leading space": " {below}",
    "leading newline": "\n{below}",
    "carriage return": "{below}\r",
    "escape sequence": "\x1b]0;{below}\x07",
    "backslash": "..\\marker",
    "percent-encoded": "%2e%2e%2fmarker",
    "look-alike hyphen": "volume\u20101",
    "right to left": "\u202e{below}",
    "zero width": "{below}\u200b",
    # Words that a command or a shell would take.
    "option": "-rf",
    "long option": "--object=secret,id=s,file={outside}/marker",
    "option and its value": "-o backing_file={outside}/marker",
    "image options": "driver=raw,file.filename={outside}/marker",
    "option behind": "{below},size=1",
    "substitution": "$(cat {outside}/marker)",
    "back-quotes": "`cat {outside}/marker`",
    "second command": "{below}; cat {outside}/marker",
    "redirection": "{below} > {outside}/marker",
    "wildcard": "*",
    # What QEMU takes for something else than a file's name.
    "json": "json:{}",
    "json, a file": (
        'json:{"driver":"raw","file":'
        '{"driver":"file","filename":"{outside}/marker"}}'
    ),
    "json, a file's name alone": 'json:{"file.filename":"{outside}/marker"}',
    "json, the right file": 'json:{"driver":"raw","file":"{below}"}',
    "json, NBD": (
        'json:{"driver":"nbd","server":'
        '{"type":"inet","host":"127.0.0.1","port":"{port}"}}'
    ),
    "json, NBD at a socket": (
        'json:{"driver":"nbd","server":{"type":"unix","path":"{outside}/nbd"}}'
    ),
    "json, a zero device": 'json:{"driver":"null-co"}',
    "json, upper case": "JSON:{}",
    "nbd": "nbd:127.0.0.1:{port}",
    "nbd, an export": "nbd:127.0.0.1:{port}:exportname=disk",
    "nbd, a socket": "nbd:unix:{outside}/nbd",
    "nbd, a URL": "nbd://127.0.0.1:{port}/disk",
    "nbd, a host that is not there": "nbd://192.0.2.1/export",
    "nbd+tcp": "nbd+tcp://127.0.0.1:{port}/disk",
    "nbd+unix": "nbd+unix:///disk?socket={outside}/nbd",
    "nbds": "nbds://127.0.0.1:{port}/disk",
    "http": "http://127.0.0.1:{port}/disk",
    "https": "https://127.0.0.1:{port}/disk",
    "ftp": "ftp://127.0.0.1:{port}/disk",
    "ssh": "ssh://127.0.0.1:{port}/disk",
    "iscsi": "iscsi://127.0.0.1:{port}/iqn.2026-01.example:disk/0",
    "nfs": "nfs://127.0.0.1/disk",
    "rbd": "rbd:pool/disk:mon_host=127.0.0.1",
    "gluster": "gluster://127.0.0.1/disk",
    "file": "file:{outside}/marker",
    "file, the right one": "file:{below}",
    "fat": "fat:{outside}",
    "fat, to write": "fat:rw:{outside}",
    "host_device": "host_device:/dev/zero",
    "nvme": "nvme://0000:00:01.0/1",
    "null-co": "null-co://",
    "blkdebug": "blkdebug::{outside}/marker",
    "blkverify": "blkverify:{outside}/marker:{below}",
    "blklogwrites": "blklogwrites:{outside}/marker",
    "a protocol that nobody knows": "assisted:{below}",
    "colon before": ":{below}",
    # Lengths.
    "longest file name": "v" * 255,
    "longest name": "v" * 1023,
    "longest path": "/v" * 511,
}
"""Names for a header or an info file, as templates.

See :class:`~conformance.hostile.surroundings.Surroundings` for the words in
braces.
"""

NAMED_BYTES: Mapping[str, bytes] = {
    "NUL inside": b"volume\0-1",
    "NUL first": b"\0volume-1",
    "not UTF-8": b"volume-\xff\xfe",
    "cut off inside a character": b"volume-\xe2\x80",
    "overlong slash": b"..\xc0\xafmarker",
    "surrogate": b"volume-\xed\xa0\x80",
}
"""Names that a header can have, and no string."""

FORMATS: Mapping[str, str] = {
    **{
        name: name
        for name in (
            "blkdebug",
            "bochs",
            "cloop",
            "copy-on-read",
            "dmg",
            "file",
            "host_device",
            "http",
            "luks",
            "nbd",
            "null-co",
            "parallels",
            "qcow",
            "qed",
            "quorum",
            "replication",
            "throttle",
            "vdi",
            "vhdx",
            "vmdk",
            "vpc",
            "vvfat",
        )
    },
    "upper case": "QCOW2",
    "capital": "Raw",
    "newline behind": "raw\n",
    "space before": " raw",
    "NUL behind": "raw\0",
    "longer than any": "qcow2qcow2qcow2q",
    "none": "",
}
"""What a header can say that the backing file's format is."""


def named(template: str) -> Put:
    """An image that names a backing file, as raw."""

    def put(around: Surroundings) -> None:
        header.write(
            around.image,
            name=around.name(template).encode(),
            extensions=(header.backing_format("raw"),),
        )

    return put


def _named_bytes(name: bytes) -> Put:
    def put(around: Surroundings) -> None:
        header.write(
            around.image,
            name=name,
            extensions=(header.backing_format("raw"),),
        )

    return put


def _said(format_: str) -> Put:
    def put(around: Surroundings) -> None:
        header.write(
            around.image,
            name=around.below.name.encode(),
            extensions=(header.backing_format(format_),),
        )

    return put


def _format_not_recorded(around: Surroundings) -> None:
    header.write(around.image, name=around.below.name.encode())


FOREIGN: Images = {
    **{name: named(template) for name, template in NAMES.items()},
    **{name: _named_bytes(name_) for name, name_ in NAMED_BYTES.items()},
}
"""SEC-001: images whose header names a foreign backing file."""

LEADING_OUT: Mapping[str, str] = {
    name: template
    for name, template in NAMES.items()
    if any(word in template for word in ("{outside}", "{up}", "{port}"))
}
"""Those names at whose end somebody sees that they were followed."""

LEAD_OUTSIDE: Images = {
    name: named(template) for name, template in LEADING_OUT.items()
}
"""SEC-015: images with such a name."""

TELLING: Mapping[str, str] = {
    name: template
    for name, template in NAMES.items()
    if template.startswith("-") or ":" in template or "$" in template
}
"""SEC-012: names that nothing but a header or an info file would have."""

OTHER_FORMATS: Images = {
    **{name: _said(format_) for name, format_ in FORMATS.items()},
    "no extension": _format_not_recorded,
}
"""SEC-006: images whose backing file has another format than it may."""
