# SPDX-License-Identifier: Apache-2.0
"""The least that a driver can be, to have the fake Nova driven by it.

It keeps its books in memory, knows attached volumes only, and trusts
everybody.
"""

from __future__ import annotations

from images import create_raw
from images import GIB
from images import overlay
from images import run


class ToyDriver:
    supports_assisted_snapshots = True

    def __init__(self, directory, base_format="raw"):
        self.directory = directory
        self.base_format = base_format
        self.formats = {}
        self.chains = {}  # volume id to names, the active image first
        self.recorded = {}  # snapshot id to its overlay
        self.pending = {}  # volume id to an overlay
        self.plans = {}  # snapshot id to what complete is to remove
        self.on_complete = lambda snapshot: None

    def create_volume(self, volume):
        path = self.directory / volume.name
        if self.base_format == "raw":
            create_raw(path, volume.size * GIB)
        else:
            run("qemu-img", "create", "-q", "-f", "qcow2", path, GIB)
        self.formats[volume.name] = self.base_format
        self.chains[volume.id] = [volume.name]
        return {"admin_metadata": {"format": self.base_format}}

    def initialize_connection(self, volume, connector):
        name = self.pending.get(volume.id) or self.chains[volume.id][0]
        return {
            "driver_volume_type": "nfs",
            "data": {
                "export": "share",
                "name": name,
                "format": self.formats[name],
            },
        }

    def terminate_connection(self, volume, connector):
        pass

    def create_snapshot_assisted_begin(self, snapshot):
        volume = snapshot.volume
        active = self.chains[volume.id][0]
        name = f"{volume.name}.{snapshot.id}"
        overlay(
            self.directory / name,
            active,
            self.formats[active],
            volume.size * GIB,
        )
        self.formats[name] = "qcow2"
        self.pending[volume.id] = name
        return {
            "snapshot_admin_metadata": {
                "create_info:type": "qcow2",
                "create_info:new_file": name,
            }
        }

    def create_snapshot_assisted_complete(self, snapshot):
        self.on_complete(snapshot)
        name = self.pending.pop(snapshot.volume_id)
        self.chains[snapshot.volume_id].insert(0, name)
        self.recorded[snapshot.id] = name

    def delete_snapshot_assisted_begin(self, snapshot):
        chain = self.chains[snapshot.volume_id]
        at = chain.index(self.recorded[snapshot.id])
        if at:
            self.plans[snapshot.id] = chain[at]
            request = {
                "delete_info:file_to_merge": chain[at],
                "delete_info:merge_target_file": chain[at + 1],
            }
        else:
            self.plans[snapshot.id] = chain[1]
            request = (
                {"delete_info:file_to_merge": chain[2]}
                if len(chain) > 2
                else {}
            )
        return {
            "snapshot_admin_metadata": {
                "delete_info:type": "qcow2",
                **request,
            }
        }

    def delete_snapshot_assisted_complete(self, snapshot):
        self.on_complete(snapshot)
        gone = self.plans.pop(snapshot.id)
        kept = self.recorded.pop(snapshot.id)
        for other, name in self.recorded.items():
            if name == gone:
                self.recorded[other] = kept
        self.chains[snapshot.volume_id].remove(gone)
        (self.directory / gone).unlink()
