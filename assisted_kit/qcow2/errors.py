# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with an image file, one class per kind of trouble.

Every message names the file and the offending value. Trouble of the host
(a missing file, no permission, a failing disk) stays an ``OSError``.
"""

from __future__ import annotations

from assisted_kit.errors import AssistedKitError


class ImageError(AssistedKitError):
    """Base of every refusal to read an image file.

    :param name: the file, as the caller or the image above named it
    :param trouble: what is wrong with it, with the offending value
    """

    def __init__(self, name: str, trouble: str) -> None:
        super().__init__(f"{name!r}: {trouble}")
        self.name = name
        self.trouble = trouble


class NotRegular(ImageError):
    """The name leads to a link, a directory, a FIFO, a device or a socket."""


class NotQcow2(ImageError):
    """The magic or the version is not that of qcow2 version 2 or 3."""


class DamagedImage(ImageError):
    """The file contradicts the format or itself, or a part is missing."""


class UnsupportedImage(ImageError):
    """The image is well-formed but uses what the kit does not read."""


class ForeignBackingFile(ImageError):
    """The backing file is named as something outside the directory.

    Such a name is never opened (CVE-2014-3641, CVE-2024-4467).
    """
