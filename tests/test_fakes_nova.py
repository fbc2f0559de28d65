# SPDX-License-Identifier: Apache-2.0
"""Create and delete with the fake Nova, on real images."""

from __future__ import annotations

import pytest
from toy_cloud import Cloud
from toy_cloud import filled
from toy_cloud import PIECE

from assisted_kit.driver import Operation
from assisted_kit.reports import ACTION
from fakes.compute import Generation
from fakes.compute.history import Call
from fakes.compute.history import EffectBegun
from fakes.compute.history import EffectEnded
from fakes.compute.history import Refresh
from fakes.compute.history import Report

FAR = 700 * 1024 * 1024 + 4096


COMBINATIONS = [
    ("raw", Generation.JUNO),
    ("raw", Generation.DUAL),
    ("raw", Generation.NEW),
    ("qcow2", Generation.DUAL),
]


@pytest.fixture(params=COMBINATIONS, ids=lambda both: "-".join(both))
def cloud(request, tmp_path):
    base_format, generation = request.param
    cloud = Cloud(tmp_path, base_format, generation=generation)
    yield cloud
    cloud.close()


def speaking(*generations):
    """For a test of one generation on a raw volume."""
    return pytest.mark.parametrize(
        "cloud",
        [("raw", generation) for generation in generations],
        indirect=True,
        ids=generations,
    )


class Ledger:
    """What a guest wrote, and what it had written at each snapshot."""

    PLACES = (*range(0, 8 * PIECE, PIECE), FAR)

    def __init__(self, cloud):
        self.cloud = cloud
        self.now = dict.fromkeys(self.PLACES, bytes(PIECE))
        self.then = {}
        self._number = 0

    def write(self, *places):
        for place in places:
            self._number += 1
            self.now[place] = filled(self._number)
        self.cloud.disk.write_many(
            [(place, self.now[place]) for place in places]
        )

    def snapshot(self):
        self.then[len(self.then)] = dict(self.now)
        return self.cloud.snapshot()

    def agrees(self, snapshots):
        """The guest, and the images through their headers."""
        for place in self.PLACES:
            assert self.cloud.disk.read(place, PIECE) == self.now[place]
        chain = self.cloud.driver.chains[self.cloud.volume.id]
        assert self.cloud.names() == chain
        self._equal(chain[0], self.now)
        for number, snapshot_id in snapshots.items():
            overlay = self.cloud.driver.recorded[snapshot_id]
            backing, _ = self.cloud.header(overlay)
            assert "/" not in backing
            self._equal(backing, self.then[number])
        return True

    def _equal(self, name, expected):
        found = self.cloud.on_disk(name, *self.PLACES)
        assert found == [expected[place] for place in self.PLACES]


def of_depth(cloud, depth):
    """A guest that wrote between its snapshots, and the snapshots."""
    ledger = Ledger(cloud)
    ledger.write(0, PIECE, FAR)
    snapshots = {}
    for number in range(depth):
        snapshots[number] = ledger.snapshot()
        ledger.write(PIECE, (2 + number) * PIECE)
    return ledger, snapshots


def test_a_guest_goes_on_in_the_overlay(cloud):
    ledger, snapshots = of_depth(cloud, 1)
    assert cloud.disk.image.path.name == cloud.overlay(snapshots[0])
    assert ledger.agrees(snapshots)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_one_of_three_snapshots_is_deleted(cloud, position):
    ledger, snapshots = of_depth(cloud, 3)
    assert ledger.agrees(snapshots)
    cloud.delete(snapshots.pop(position))
    assert cloud.settle() == "deleted", str(cloud.history)
    assert len(cloud.names()) == 3
    assert ledger.agrees(snapshots)
    ledger.write(PIECE, 7 * PIECE)
    cloud.instance.restart()
    assert ledger.agrees(snapshots)


def test_the_only_snapshot_is_deleted(cloud):
    ledger, snapshots = of_depth(cloud, 1)
    overlay = cloud.overlay(snapshots[0])
    cloud.delete(snapshots.pop(0))
    assert cloud.settle() == "deleted", str(cloud.history)
    assert cloud.names() == [overlay]
    assert cloud.header(overlay) == (None, None)
    assert ledger.agrees({})


def test_snapshots_go_in_any_order(cloud):
    ledger, snapshots = of_depth(cloud, 3)
    for position in (1, 2, 0):
        cloud.delete(snapshots.pop(position))
        assert cloud.settle() == "deleted", str(cloud.history)
        assert ledger.agrees(snapshots)
        ledger.write(position * PIECE)
    assert len(list(cloud.share.iterdir())) == 1


def sent(cloud):
    return [report.body[ACTION] for report in cloud.history.of(Report)]


@speaking(Generation.JUNO)
def test_juno_reports_a_status_and_ninety_percent(cloud):
    cloud.delete(cloud.snapshot())
    assert cloud.settle() == "deleted"
    assert sent(cloud) == [
        {"status": "creating", "progress": "90%"},
        {"status": "deleting", "progress": "90%"},
    ]


@speaking(Generation.DUAL)
def test_dual_adds_ninety_percent_to_the_final_report(cloud):
    oldest = cloud.snapshot()
    newest = cloud.snapshot()
    cloud.delete(oldest)
    assert cloud.settle() == "deleted"
    working, done = sent(cloud)[:2]
    assert working == {
        "status": "creating",
        "compute_snapshot_status": "creating_compute",
        "compute_progress": 0,
    }
    assert done == {
        "status": "creating",
        "compute_snapshot_status": "creating_compute_complete",
        "compute_progress": 100,
        "file_format": {cloud.overlay(oldest): "qcow2"},
        "progress": "90%",
    }
    assert sent(cloud)[-1] == {
        "status": "deleting",
        "compute_snapshot_status": "deleting_compute_complete",
        "compute_progress": 100,
        "file_format": {cloud.overlay(oldest): "qcow2", cloud.base: "raw"},
        "progress": "90%",
    }
    cloud.delete(newest)
    assert cloud.settle() == "deleted"
    assert sent(cloud)[-1]["file_format"] == {cloud.overlay(newest): "qcow2"}


@speaking(Generation.NEW)
def test_new_never_sends_progress(cloud):
    cloud.delete(cloud.snapshot())
    assert cloud.settle() == "deleted"
    assert len(sent(cloud)) == 4
    assert all("progress" not in fields for fields in sent(cloud))


def test_a_delete_may_be_reported_as_liberty_spelled_it(tmp_path):
    cloud = Cloud(tmp_path, generation=Generation.NEW, liberty_spelling=True)
    cloud.delete(cloud.snapshot())
    assert cloud.settle() == "deleted"
    said = [fields["compute_snapshot_status"] for fields in sent(cloud)]
    assert said[-2:] == ["deleting_compute", "delete_compute_complete"]
    cloud.close()


def test_the_history_tells_what_happened(tmp_path):
    cloud = Cloud(tmp_path)
    snapshot_id = cloud.snapshot()
    assert [type(record) for record in cloud.history] == [
        Call,
        Report,
        EffectBegun,
        EffectEnded,
        Report,
        Refresh,
    ]
    call = cloud.history.of(Call)[0]
    assert call.operation is Operation.CREATE
    assert call.info["new_file"] == cloud.overlay(snapshot_id)
    assert call.answer == "accepted"
    assert cloud.history.of(EffectEnded)[0].images == (
        f"{cloud.overlay(snapshot_id)} (qcow2)",
        f"{cloud.base} (raw)",
    )
    assert [report.answer for report in cloud.history.of(Report)] == [
        "202",
        "202",
    ]
    assert len(cloud.history.about(snapshot_id)) == 5
    assert len(str(cloud.history).splitlines()) == len(cloud.history)
    cloud.close()


def test_other_disks_of_the_instance_stay_as_they_are(tmp_path):
    cloud = Cloud(tmp_path)
    other = cloud.manager.volumes.create(1)
    disk = cloud.instance.attach(cloud.manager.volumes, other.id)
    assert (cloud.disk.device, disk.device) == ("vdb", "vdc")
    disk.write(0, filled(9))
    cloud.snapshot()
    assert disk.image.path.name == other.name
    assert disk.read(0, PIECE) == filled(9)
    cloud.instance.detach(other.id)
    assert cloud.instance.disks == (cloud.disk,)
    cloud.close()


def test_a_snapshot_of_a_stopped_instance_and_its_pulls(tmp_path):
    cloud = Cloud(tmp_path)
    ledger, snapshots = of_depth(cloud, 2)
    cloud.instance.stop()
    snapshots[2] = ledger.snapshot()
    cloud.delete(snapshots.pop(2))
    assert cloud.settle() == "deleted", str(cloud.history)
    cloud.instance.start()
    assert ledger.agrees(snapshots)
    cloud.instance.stop()
    cloud.delete(snapshots.pop(1))
    assert cloud.settle() == "deleted", str(cloud.history)
    cloud.delete(snapshots.pop(0))
    assert cloud.settle() == "deleted", str(cloud.history)
    cloud.instance.start()
    assert ledger.agrees({})
    cloud.close()
