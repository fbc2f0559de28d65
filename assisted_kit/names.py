# SPDX-License-Identifier: Apache-2.0
"""Bare file names: the only form in which an image may be named."""

from __future__ import annotations


def is_bare_name(name: object) -> bool:
    """Whether ``name`` is a plain file name within one directory.

    No path, no ``.`` or ``..``, nothing that a command could take for an
    option (a leading ``-``) or QEMU for a pseudo-protocol (a colon, as in
    ``json:`` or ``nbd:``), and no control character (contract section 8;
    CVE-2014-3641).
    """
    return (
        isinstance(name, str)
        and 0 < len(name) <= 255
        and name not in (".", "..")
        and not name.startswith("-")
        and not any(c in "/:" or not c.isprintable() for c in name)
    )
