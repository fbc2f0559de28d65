# SPDX-License-Identifier: Apache-2.0
"""What the fake Nova refuses, as Nova's API does."""

from __future__ import annotations

import pytest
from toy_cloud import Cloud

from fakes.compute import BadRequest
from fakes.compute import requests
from fakes.compute.history import Call
from fakes.compute.history import EffectBegun

CREATE = {"snapshot_id": "s", "type": "qcow2", "new_file": "f"}
DELETE = {
    "volume_id": "v",
    "type": "qcow2",
    "file_to_merge": None,
    "merge_target_file": None,
}


def without(info, key):
    return {name: value for name, value in info.items() if name != key}


BAD_CREATES = [
    None,
    "text",
    [],
    {},
    *(without(CREATE, key) for key in CREATE),
    {**CREATE, "type": "raw"},
    {**CREATE, "new_file": ""},
    {**CREATE, "new_file": None},
    {**CREATE, "snapshot_id": 7},
    {**CREATE, "vendor": "key"},
    {**CREATE, "new_file": {1, 2}},
]

BAD_DELETES = [
    None,
    {},
    *(without(DELETE, key) for key in DELETE),
    {**DELETE, "type": "raw"},
    {**DELETE, "file_to_merge": ""},
    {**DELETE, "merge_target_file": ""},
    {**DELETE, "merge_target_file": 1},
    {**DELETE, "volume_id": None},
    {**DELETE, "vendor": "key"},
]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    cloud = Cloud(tmp_path_factory.mktemp("cloud"))
    yield cloud
    cloud.close()


def refused(call, *arguments):
    with pytest.raises(BadRequest) as caught:
        call(*arguments)
    assert caught.value.code == 400
    return str(caught.value)


@pytest.mark.parametrize("info", BAD_CREATES, ids=repr)
def test_a_malformed_create_is_a_bad_request(cloud, info):
    done = cloud.history.of(EffectBegun)
    refused(cloud.nova.create_volume_snapshot, None, cloud.volume.id, info)
    assert cloud.history.of(Call)[-1].answer.startswith("400: ")
    assert cloud.history.of(EffectBegun) == done


@pytest.mark.parametrize("info", BAD_DELETES, ids=repr)
def test_a_malformed_delete_is_a_bad_request(cloud, info):
    done = cloud.history.of(EffectBegun)
    refused(cloud.nova.delete_volume_snapshot, None, "s", info)
    assert cloud.history.of(Call)[-1].answer.startswith("400: ")
    assert cloud.history.of(EffectBegun) == done


def test_the_message_says_where_and_why(cloud):
    said = refused(
        cloud.nova.create_volume_snapshot,
        None,
        cloud.volume.id,
        {**CREATE, "type": "raw"},
    )
    assert "create_info/type" in said
    assert "'raw'" in said


def test_a_volume_that_nobody_has_is_a_bad_request(cloud):
    said = refused(cloud.nova.create_volume_snapshot, None, "v", CREATE)
    assert "No volume Block Device Mapping with id v" in said
    refused(cloud.nova.delete_volume_snapshot, None, "s", DELETE)


def test_a_volume_that_two_have_is_a_bad_request(cloud):
    volume = cloud.manager.volumes.create(1)
    for _ in range(2):
        instance = cloud.nova.boot()
        instance.attach(cloud.manager.volumes, volume.id, shareable=True)
    said = refused(cloud.nova.create_volume_snapshot, None, volume.id, CREATE)
    assert "multi-attach" in said


def test_a_stopped_instance_pulls_but_does_not_commit(cloud):
    volume = cloud.manager.volumes.create(1)
    instance = cloud.nova.boot()
    instance.attach(cloud.manager.volumes, volume.id)
    instance.stop()
    info = {**DELETE, "volume_id": volume.id}
    said = refused(
        cloud.nova.delete_volume_snapshot,
        None,
        "s",
        {**info, "file_to_merge": "b", "merge_target_file": "a"},
    )
    assert "stopped" in said
    cloud.nova.delete_volume_snapshot(None, "s", info)
    assert cloud.nova.join(20)


def test_a_good_create_is_answered_as_nova_does(cloud):
    info = {**CREATE, "id": "x"}
    answer = cloud.nova.create_volume_snapshot(None, cloud.volume.id, info)
    assert answer == {"id": "x", "volumeId": cloud.volume.id}
    assert cloud.nova.join(20)


def test_the_schema_of_a_create_is_novas():
    schemas = pytest.importorskip(
        "nova.api.openstack.compute.schemas.assisted_volume_snapshots"
    )
    theirs = schemas.create["properties"]["snapshot"]
    assert theirs == requests.CREATE_SCHEMA
