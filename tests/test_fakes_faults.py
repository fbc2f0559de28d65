# SPDX-License-Identifier: Apache-2.0
"""What each planned fault does to guest, files and reports."""

from __future__ import annotations

import pytest
from toy_cloud import Cloud
from toy_cloud import filled
from toy_cloud import PIECE

from assisted_kit.driver import Operation
from assisted_kit.manager.compute_calls import REFUSALS
from fakes.compute import ComputeApiError
from fakes.compute import Fault
from fakes.compute import FaultPlan
from fakes.compute import Generation
from fakes.compute.history import Call
from fakes.compute.history import EffectBegun
from fakes.compute.history import Refresh
from fakes.compute.history import Report

CREATE = Operation.CREATE
DELETE = Operation.DELETE


@pytest.fixture(params=list(Generation))
def generation(request):
    return request.param


@pytest.fixture
def cloud(tmp_path):
    cloud = Cloud(tmp_path)
    cloud.disk.write(0, filled(1))
    yield cloud
    cloud.close()


def create(cloud, fault, code=None):
    """Start a create that ``fault`` happens to; its id."""
    cloud.faults.on(CREATE, fault, code=code)
    return cloud.create()


def delete(cloud, fault, code=None):
    """Start a delete of the oldest of two that ``fault`` happens to."""
    oldest = cloud.snapshot()
    cloud.snapshot()
    cloud.faults.on(DELETE, fault, code=code)
    cloud.delete(oldest)
    return oldest


def answers(cloud, snapshot_id):
    return [
        record.answer.partition(":")[0]
        for record in cloud.history.about(snapshot_id)
        if isinstance(record, Report)
    ]


def reads_what_was_written(cloud):
    cloud.disk.write(PIECE, filled(2))
    assert cloud.disk.read(0, PIECE) == filled(1)
    active = cloud.disk.image.path.name
    assert cloud.on_disk(active, 0, PIECE) == [filled(1), filled(2)]
    return True


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_a_refused_create_changes_nothing(cloud, code):
    snapshot_id = create(cloud, Fault.REFUSE, code)
    assert cloud.settle() == "error"
    assert cloud.names() == [cloud.base]
    assert answers(cloud, snapshot_id) == []
    assert cloud.history.of(Call)[0].answer.startswith(f"{code}:")


def test_nova_hears_nothing_without_a_connection(cloud):
    snapshot_id = delete(cloud, Fault.NO_CONNECTION)
    assert cloud.settle() == "error_deleting"
    assert len(cloud.names()) == 3
    call = cloud.history.about(snapshot_id)[-1]
    assert call.answer.startswith("ConnectionRefusedError")


@pytest.mark.parametrize("code", [None, 500, 503])
def test_the_work_is_done_behind_an_unknown_answer(cloud, code):
    snapshot_id = create(cloud, Fault.UNKNOWN_ANSWER, code)
    assert cloud.settle() == "available"
    assert cloud.names() == [cloud.overlay(snapshot_id), cloud.base]
    expected = f"{code}:" if code else "ConnectionResetError:"
    assert cloud.history.of(Call)[0].answer.startswith(expected)


@pytest.mark.parametrize("code", [None, 500])
def test_the_work_may_be_done_without_an_answer_or_a_report(cloud, code):
    snapshot_id = create(cloud, Fault.NO_ANSWER, code)
    cloud.quiet()
    assert cloud.status(snapshot_id) == "creating"
    assert cloud.names() == [cloud.overlay(snapshot_id), cloud.base]
    # That it has begun.
    assert answers(cloud, snapshot_id) == ["202"]
    assert cloud.time_out() == "error"
    assert reads_what_was_written(cloud)


def test_an_error_is_reported_without_the_work(tmp_path, generation):
    cloud = Cloud(tmp_path, generation=generation)
    snapshot_id = create(cloud, Fault.ERROR_REPORT)
    assert cloud.settle() == "error"
    assert cloud.names() == [cloud.base]
    assert cloud.history.of(EffectBegun) == []
    (report,) = cloud.history.about(snapshot_id)[-1:]
    (fields,) = report.body.values()
    assert (
        fields
        == {
            Generation.JUNO: {"status": "error", "progress": "90%"},
            Generation.DUAL: {
                "status": "error",
                "compute_snapshot_status": "creating_compute_error",
                "progress": "90%",
            },
            Generation.NEW: {
                "status": "error",
                "compute_snapshot_status": "creating_compute_error",
            },
        }[generation]
    )
    cloud.close()


def test_an_error_is_reported_after_the_work(cloud):
    snapshot_id = create(cloud, Fault.ERROR_AFTER_WORK)
    assert cloud.settle() == "error"
    assert cloud.names() == [cloud.overlay(snapshot_id), cloud.base]
    assert reads_what_was_written(cloud)


def test_a_delete_is_done_and_an_error_reported(cloud):
    snapshot_id = delete(cloud, Fault.ERROR_AFTER_WORK)
    assert cloud.settle() == "error_deleting"
    assert cloud.overlay(snapshot_id) not in cloud.names()
    (fields,) = cloud.history.of(Report)[-1].body.values()
    assert fields["status"] == "error_deleting"
    assert fields["compute_snapshot_status"] == "deleting_compute_error"
    assert reads_what_was_written(cloud)


def test_a_report_by_hand_is_sent_as_it_is_given(cloud):
    snapshot_id = create(cloud, Fault.REPORT_BY_HAND)
    cloud.quiet()
    assert cloud.status(snapshot_id) == "creating"
    # Not even that it is at work has been reported.
    assert answers(cloud, snapshot_id) == []
    said = cloud.nova.report(snapshot_id, status="available", progress="")
    assert said == "202"
    assert cloud.settle() == "available"
    assert reads_what_was_written(cloud)
    said = cloud.nova.report(snapshot_id, status="creating", progress="90%")
    assert said.startswith("400: ")
    assert answers(cloud, snapshot_id) == ["202", "400"]


def test_a_lost_report_is_one_that_never_comes(cloud):
    snapshot_id = create(cloud, Fault.NEVER_REPORT)
    cloud.quiet()
    assert cloud.status(snapshot_id) == "creating"
    assert answers(cloud, snapshot_id) == ["202"]
    assert cloud.history.of(Refresh) == []
    assert cloud.time_out() == "error"
    # Nova lives and looks at the status, not at what became of its report.
    assert cloud.known_name() == cloud.overlay(snapshot_id)
    assert reads_what_was_written(cloud)


def test_the_end_is_reported_twice(cloud):
    snapshot_id = create(cloud, Fault.REPORT_TWICE)
    assert cloud.settle() == "available"
    answered = answers(cloud, snapshot_id)
    assert answered[:2] == ["202", "202"]
    assert answered[2] in ("202", "400")
    assert cloud.disk.image.path.name == cloud.overlay(snapshot_id)


def test_a_late_report_waits_for_release(cloud):
    snapshot_id = create(cloud, Fault.REPORT_LATE)
    cloud.quiet()
    assert cloud.status(snapshot_id) == "creating"
    assert cloud.disk.image.path.name == cloud.overlay(snapshot_id)
    cloud.nova.release()
    assert cloud.settle() == "available"
    assert cloud.known_name() == cloud.overlay(snapshot_id)


def test_a_report_after_the_deadline_is_refused_and_swallowed(cloud):
    snapshot_id = create(cloud, Fault.REPORT_LATE)
    assert cloud.time_out() == "error"
    cloud.nova.release()
    cloud.quiet()
    assert answers(cloud, snapshot_id) == ["202", "400"]
    assert len(cloud.history.of(Refresh)) == 1
    assert reads_what_was_written(cloud)


def test_a_late_delete_is_held_as_well(cloud):
    snapshot_id = delete(cloud, Fault.REPORT_LATE)
    cloud.quiet()
    assert cloud.status(snapshot_id) == "deleting"
    assert cloud.overlay(snapshot_id) not in cloud.names()
    cloud.nova.release()
    assert cloud.settle() == "deleted"


def test_done_is_reported_without_the_work(cloud):
    create(cloud, Fault.DONE_WITHOUT_WORK)
    assert cloud.settle() == "available"
    assert cloud.names() == [cloud.base]
    assert cloud.history.of(EffectBegun) == []


def test_a_delete_is_reported_done_without_the_work(cloud):
    snapshot_id = delete(cloud, Fault.DONE_WITHOUT_WORK)
    cloud.settle()
    # The toy driver believes it and removes the file; the guest has it
    # open and reads on.
    assert not (cloud.share / cloud.overlay(snapshot_id)).exists()
    assert cloud.overlay(snapshot_id) in cloud.names()
    assert cloud.disk.read(0, PIECE) == filled(1)


def test_the_service_dies_between_work_and_report(cloud):
    snapshot_id = create(cloud, Fault.DIE_AFTER_WORK)
    assert cloud.time_out() == "error"
    assert answers(cloud, snapshot_id) == ["202"]
    assert cloud.history.of(Refresh) == []
    assert cloud.known_name() == cloud.base
    assert cloud.names() == [cloud.overlay(snapshot_id), cloud.base]
    assert reads_what_was_written(cloud)


def test_the_service_dies_before_the_work(cloud):
    snapshot_id = delete(cloud, Fault.DIE_BEFORE_WORK)
    assert cloud.time_out() == "error_deleting"
    assert answers(cloud, snapshot_id)[2:] == []
    assert cloud.overlay(snapshot_id) in cloud.names()
    assert reads_what_was_written(cloud)


def test_faults_are_met_in_the_order_of_planning():
    plan = FaultPlan()
    plan.on(CREATE, Fault.REFUSE).on(DELETE, Fault.NEVER_REPORT)
    plan.on(CREATE, Fault.REPORT_TWICE)
    assert [str(planned) for _, planned in plan.left] == [
        "refuse 400",
        "never report",
        "report twice",
    ]
    assert plan.take(CREATE).fault is Fault.REFUSE
    assert plan.take(CREATE).fault is Fault.REPORT_TWICE
    assert plan.take(CREATE) is None
    assert plan.take(DELETE).fault is Fault.NEVER_REPORT
    assert plan.left == ()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.REFUSE, 500),
        (Fault.UNKNOWN_ANSWER, 404),
        (Fault.NEVER_REPORT, 400),
    ],
)
def test_a_code_that_a_fault_cannot_have_is_an_error(fault, code):
    with pytest.raises(ValueError, match=str(code)):
        FaultPlan().on(CREATE, fault, code=code)


def test_a_malformed_request_does_not_use_up_a_fault(cloud):
    cloud.faults.on(CREATE, Fault.NEVER_REPORT)
    with pytest.raises(ComputeApiError):
        cloud.nova.create_volume_snapshot(None, cloud.volume.id, {})
    assert len(cloud.faults.left) == 1


def test_its_beginning_is_reported_after_its_end(cloud):
    snapshot_id = create(cloud, Fault.REPORT_OUT_OF_ORDER)
    assert cloud.settle() == "available"
    end, beginning = (
        next(iter(record.body.values()))["compute_snapshot_status"]
        for record in cloud.history.about(snapshot_id)
        if isinstance(record, Report)
    )
    assert end == "creating_compute_complete"
    assert beginning == "creating_compute"
    assert answers(cloud, snapshot_id) == ["202", "400"]


def test_one_field_says_error_and_the_others_done(cloud):
    oldest = delete(cloud, Fault.ERROR_BY_ONE_FIELD)
    assert cloud.settle() == "error_deleting"
    assert cloud.overlay(oldest) in cloud.names()
    (fields,) = cloud.history.of(Report)[-1].body.values()
    assert fields["status"] == "deleting"
    assert fields["progress"] == "90%"
    assert fields["compute_snapshot_status"] == "deleting_compute_error"


def test_a_report_that_is_forged_is_refused(tmp_path, generation):
    cloud = Cloud(tmp_path, generation=generation)
    snapshot_id = create(cloud, Fault.REPORT_FORGED)
    cloud.quiet()
    assert cloud.status(snapshot_id) == "creating"
    assert answers(cloud, snapshot_id)[-1] == "403"
    assert cloud.names() == [cloud.base]
    assert cloud.time_out() == "error"
    cloud.close()


def test_an_instance_that_is_gone_leaves_its_attachment(cloud):
    (instance,) = cloud.nova.instances
    cloud.nova.destroy(instance)
    cloud.create()
    assert cloud.settle() == "error"
    assert cloud.history.of(Call)[0].answer.startswith("400:")
    assert cloud.nova.instances == ()


def test_a_hard_reboot_opens_what_cinder_answers_now(cloud):
    create(cloud, Fault.REPORT_LATE)
    cloud.quiet()
    (instance,) = cloud.nova.instances
    disk = cloud.disk
    overlay = disk.image.path.name
    answered = {"name": overlay, "format": "qcow2"}
    found = {disk.volume_id: {**disk.connection_info, **answered}}
    instance.reboot_hard(found)
    assert disk.image.path.name == overlay
    assert reads_what_was_written(cloud)
