# SPDX-License-Identifier: Apache-2.0
"""The info file: which image is active, and each snapshot's overlay.

A JSON object as Cinder has it on disk: ``{"active": "volume-1234.aaaa",
"aaaa": "volume-1234.aaaa"}``.  Cinder truncates it in place, and a reader
or a crash in between finds it empty; here it is replaced atomically.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace

from assisted_kit.qcow2 import ImageError
from assisted_kit.qcow2 import open_regular
from reference_driver.errors import DamagedInfoFile
from reference_driver.errors import ForeignImage
from reference_driver.files import VolumeFiles

_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Info:
    """What the info file says."""

    active: str
    overlays: Mapping[str, str] = field(default_factory=dict)
    """Snapshot id to the overlay recorded for it, ``o(s)``."""
    on_share: bool = True
    """False: there is no info file, and there are no snapshots."""

    def with_snapshot(self, snapshot_id: str, overlay: str) -> Info:
        """The snapshot taken: its overlay is the active image."""
        return replace(
            self,
            active=overlay,
            overlays={**self.overlays, snapshot_id: overlay},
        )

    def without_snapshot(self, snapshot_id: str) -> Info:
        """The snapshot deleted."""
        left = {k: v for k, v in self.overlays.items() if k != snapshot_id}
        return replace(self, overlays=left)

    def with_active(self, name: str) -> Info:
        """Another image made active."""
        return replace(self, active=name)

    def moved(self, pulled: str, overlay: str) -> Info:
        """The snapshot recorded for a pulled overlay, recorded anew."""
        moved = {
            k: overlay if v == pulled else v for k, v in self.overlays.items()
        }
        return replace(self, overlays=moved)


def read(files: VolumeFiles) -> Info:
    """Read the info file; one that is not there means no snapshots.

    :raises DamagedInfoFile: it is unreadable or names foreign files.
    """
    path = files.path(files.info)
    try:
        with open_regular(path) as file:
            text = file.read(_MAX_BYTES + 1)
        if len(text) > _MAX_BYTES:
            raise DamagedInfoFile(f"{path} is longer than {_MAX_BYTES} bytes")
        content = json.loads(text)
        if not isinstance(content, dict):
            raise DamagedInfoFile(f"{path} holds no JSON object")
        own = files.own
        names = {id_: own(name) for id_, name in content.items()}
        active = names.pop("active")
    except FileNotFoundError:
        return Info(files.base, on_share=False)
    except KeyError as error:
        raise DamagedInfoFile(f"{path} names no active image") from error
    except (
        ValueError,
        RecursionError,
        ImageError,
        ForeignImage,
    ) as error:
        raise DamagedInfoFile(f"{path} is damaged: {error}") from error
    return Info(active, names)


def write(files: VolumeFiles, info: Info) -> None:
    """Replace the info file: a reader sees the old one or the new one."""
    content = {**info.overlays, "active": info.active}
    # Laid out as by ``indent=1``, which Python's slow encoder alone takes.
    listed = json.dumps(content, sort_keys=True, separators=(",\n ", ": "))
    text = f"{{\n {listed[1:-1]}\n}}".encode("ascii")
    files.make(
        files.info,
        lambda path: files.write_new(path, text),
        like=files.path(info.active),
    )
