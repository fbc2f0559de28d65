# SPDX-License-Identifier: Apache-2.0
"""What *delete begin* decided, for *delete complete* to carry out.

Once images have been merged, the chain on disk no longer tells what there
was to do, and the guest may have been detached meanwhile; so the plan is
stored as admin metadata of the snapshot, one key a field (contract
section 2).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import fields


class Action(enum.StrEnum):
    """What *complete* does to the chain, before it drops the record."""

    NOTHING = "nothing"
    """No record and no file: the snapshot is gone already."""
    COMMIT = "commit"
    """Commit ``remove`` into its backing file ``target``: the volume is
    detached, and a hook does it itself."""
    COMMITTED = "committed"
    """The compute service commits ``remove`` into ``target``."""
    PULLED = "pulled"
    """The compute service pulls ``remove`` into the overlay above it."""
    COMMIT_PENDING = "commit-pending"
    """Commit the overlay of a pending create into the active image."""
    ADOPT = "adopt"
    """Make the overlay of a pending create the active image."""
    DISCARD = "discard"
    """Remove an overlay that nobody has ever written to."""


OF_RECORDED = frozenset({Action.COMMIT, Action.COMMITTED, Action.PULLED})
"""Actions on a snapshot that is recorded, or was when they were decided."""

_PREFIX = "plan:"


@dataclass(frozen=True, slots=True)
class Plan:
    """File names are bare; empty stands for none."""

    action: Action
    overlay: str = ""
    """``o(s)``."""
    remove: str = ""
    """The file that is not needed afterwards."""
    above: str = ""
    """The overlay whose backing file is another one afterwards."""
    target: str = ""
    """That backing file; none when everything is pulled."""
    target_format: str = ""

    def as_admin_metadata(self) -> dict[str, str | None]:
        """The plan to return; what is empty removes an earlier plan's."""
        return {
            f"{_PREFIX}{name}": str(value) or None
            for name, value in asdict(self).items()
        }

    def request(self) -> dict[str, str | None]:
        """What the compute service is to be asked for, as admin metadata.

        Of a plan that it has a part in (contract section 3's table).
        """
        if self.action is Action.PULLED:
            file_to_merge, merge_target_file = self.target or None, None
        else:
            file_to_merge, merge_target_file = self.remove, self.target
        return {
            "delete_info:type": "qcow2",
            "delete_info:file_to_merge": file_to_merge,
            "delete_info:merge_target_file": merge_target_file,
        }

    @classmethod
    def stored_in(cls, admin_metadata: Mapping[str, str]) -> Plan | None:
        """The plan that *begin* stored, if there is one."""
        stored = {
            field.name: admin_metadata.get(f"{_PREFIX}{field.name}", "")
            for field in fields(cls)
        }
        action = stored.pop("action")
        return cls(Action(action), **stored) if action else None
