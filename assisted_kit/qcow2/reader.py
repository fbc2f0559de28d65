# SPDX-License-Identifier: Apache-2.0
"""The headers of a long chain, each checked and most of it only once."""

from __future__ import annotations

import os

from assisted_kit.qcow2.header import BACKING_NAME
from assisted_kit.qcow2.header import decoded
from assisted_kit.qcow2.header import FIRST_READ
from assisted_kit.qcow2.header import Header
from assisted_kit.qcow2.header import parse
from assisted_kit.qcow2.opening import open_descriptor
from assisted_kit.qcow2.opening import read_up_to
from assisted_kit.qcow2.opening import StrPath


class HeaderReader:
    """Reads headers one after another.

    Those of one chain differ in the name of the backing file alone.  What
    equals, byte by byte, a header that was checked, is not checked again;
    the name and the length of the file are, each time.
    """

    def __init__(self) -> None:
        self._header: Header | None = None
        self._alike = b""
        self._name_at = 0
        self._name_end = 0
        self._tables_end = 0

    def read(
        self, path: StrPath, *, dir_fd: int | None = None
    ) -> tuple[Header, str | None]:
        """The header of a qcow2 file, and the name of its backing file.

        As long as nothing but that name differs, the header is the very one
        that was returned before, with the name that was in it.

        :param dir_fd: the open directory that a relative path is in
        :raises ImageError: not a regular file, not qcow2, damaged, unsupported
        :raises OSError: the file cannot be opened or read
        """
        fd, status = open_descriptor(path, dir_fd=dir_fd)
        try:
            start = os.pread(fd, FIRST_READ, 0)
            if (
                self._header is not None
                and len(start) == FIRST_READ
                and start.startswith(self._alike)
                and status.st_size >= self._tables_end
            ):
                raw = start[self._name_at : self._name_end]
                return self._header, decoded(raw, BACKING_NAME, path)
            header = self._parse(fd, status.st_size, os.fspath(path))
            return header, header.backing_file
        finally:
            os.close(fd)

    def _parse(self, fd: int, size: int, name: str) -> Header:
        start = read_up_to(fd, FIRST_READ, 0)
        header, fields = parse(fd, start, size, name)
        end = fields.backing_file_offset + fields.backing_file_size
        if header.backing_file is not None and end <= len(start):
            self._header = header
            self._name_at = fields.backing_file_offset
            self._alike = start[: self._name_at]
            self._name_end = end
            self._tables_end = fields.tables_end
        return header
