# SPDX-License-Identifier: Apache-2.0
"""A share that changes while a driver works on it, at a named moment."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from conformance.hostile import backing_files
from conformance.hostile import images
from conformance.hostile.surroundings import Images
from conformance.hostile.surroundings import Surroundings
from conformance.scripted_qemu_img import ScriptedQemuImg

REPLACED: Images = {
    **{
        name: backing_files.LEAD_OUTSIDE[name]
        for name in ("absolute", "parent directory", "json, NBD")
    },
    "data file": images.DATA_FILES["outside"],
    "VMDK": images.OTHER_FORMATS["VMDK descriptor"],
    "link": images.NO_FILES["link to a file outside"],
}
"""What an image is replaced by: each leads outside in a way of its own."""

_SCRIPT = """\
#!/bin/sh
# The first call finds the replacement there, and later ones do not.
mv -fT '{replacement}' '{image}' 2>/dev/null
exec '{qemu_img}' "$@"
"""


def replace(around: Surroundings, name: str) -> None:
    """Replace an image by a hostile one, in one step.

    Whoever has it open goes on with the one that was there.
    """
    staged = around.image.with_name(f".{around.image.name}.staged")
    shutil.copyfile(around.image, staged)
    os.replace(staged, around.image)
    REPLACED[name](around)


class ChangingQemuImg(ScriptedQemuImg):
    """Puts a ``qemu-img`` first in PATH whose first call changes the share.

    That is when a driver has looked at the share, and starts to work.

    :param around: the image that is replaced then.
    :param name: of what it is replaced by.
    """

    def __init__(self, around: Surroundings, name: str) -> None:
        self._around = around
        self._name = name

    def script(self, qemu_img: str, directory: Path) -> str:
        image = self._around.image
        original, replacement = directory / "original", directory / "image"
        shutil.copy2(image, original)
        # Made where it will be: names in it are relative to the share.
        replace(self._around, self._name)
        shutil.move(image, replacement)
        shutil.copy2(original, image)
        return _SCRIPT.format(
            replacement=replacement, image=image, qemu_img=qemu_img
        )
