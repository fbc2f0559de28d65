# SPDX-License-Identifier: Apache-2.0
"""A snapshot as upstream's methods take it, when a hook calls them.

They write what they find out into ``admin_metadata`` and attachments, and
save that.  A hook returns it instead (contract section 1), so what is written
here is kept, and what is saved goes nowhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


class Handed:
    """An object of Cinder's or the manager's, of which nothing is saved."""

    def __init__(self, original: Any, **own: Any) -> None:
        self.__dict__["_original"] = original
        self.__dict__.update(own)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def save(self) -> None:
        """Nothing: the volume manager stores what the hook returns."""

    @contextlib.contextmanager
    def obj_as_admin(self) -> Iterator[None]:
        """Cinder's idiom around changes of ``admin_metadata``."""
        yield


def handed(snapshot: Any, *, attached: bool, format_: str | None) -> Any:
    """The snapshot for upstream's methods.

    :param attached: whether they are to take its volume for attached.
    :param format_: the active image's, if they are to find it where none is
        recorded.
    """
    volume = snapshot.volume
    missing = {"format": format_} if format_ else {}
    metadata = {**missing, **volume.admin_metadata}
    return Handed(
        snapshot,
        volume=Handed(
            volume,
            admin_metadata=metadata,
            # What upstream goes by is the latter, but first it refuses some
            # of the former, and a volume in use may have any.
            status="in-use" if attached else "available",
            attach_status="attached" if attached else "detached",
            volume_attachment=[
                Handed(each, connection_info=dict(each.connection_info or {}))
                for each in volume.volume_attachment
            ],
        ),
    )
