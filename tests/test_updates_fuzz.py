# SPDX-License-Identifier: Apache-2.0
"""Whatever a hook returns is a valid update or a ModelUpdateError."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from assisted_kit.compute_request import create_info
from assisted_kit.compute_request import delete_info
from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from assisted_kit.names import is_bare_name
from assisted_kit.update_errors import ModelUpdateError
from assisted_kit.updates import MANAGERS_FIELDS
from assisted_kit.updates import MAX_LENGTH
from assisted_kit.updates import PROVIDER_FIELDS
from assisted_kit.updates import validate
from conformance.hostile.backing_files import NAMES
from conformance.hostile.updates import UPDATES

ADMIN_KEYS = (
    "create_info:type",
    "create_info:new_file",
    "create_info:",
    "delete_info:type",
    "delete_info:file_to_merge",
    "delete_info:merge_target_file",
    "manager:phase",
    "snapshot_status",
    "compute_progress",
    "plan",
)
VALUES = ("qcow2", "raw", "90%", "100%", "volume-1.aa", *NAMES.values())

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.sampled_from(VALUES),
    st.text(min_size=MAX_LENGTH - 1, max_size=MAX_LENGTH + 1),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(scalars, inner, max_size=3),
    ),
    max_leaves=8,
)
admin_metadata = st.dictionaries(
    st.one_of(st.sampled_from(ADMIN_KEYS), scalars), scalars, max_size=5
)
updates = st.one_of(
    anything,
    st.dictionaries(
        st.one_of(
            st.sampled_from(
                [
                    *sorted(PROVIDER_FIELDS | MANAGERS_FIELDS),
                    "metadata",
                    "progress",
                ]
            ),
            scalars,
        ),
        anything,
        max_size=4,
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "snapshot_admin_metadata": admin_metadata,
            "volume_admin_metadata": st.dictionaries(
                st.sampled_from(["format", "base_format", "readonly"]),
                scalars,
            ),
            "metadata": st.dictionaries(scalars, scalars, max_size=3),
            "progress": scalars,
        },
    ),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(Hook), updates)
def test_nothing_but_a_model_update_error_comes_out(
    hook: Hook, update: object
) -> None:
    check(hook, update)


@pytest.mark.parametrize("case", UPDATES)
def test_the_same_of_every_hostile_update(case: str) -> None:
    """The corpus; what is found goes there."""
    hook, update, _ = UPDATES[case]
    check(hook, update)


def check(hook: Hook, update: object) -> None:
    try:
        valid = validate(hook, update)
    except ModelUpdateError as error:
        assert str(hook) in str(error)
        assert len(str(error)) < 1000
        return
    stored = dict(valid.snapshot_admin_metadata)
    pairs = {
        **valid.fields,
        **valid.metadata,
        **stored,
        **valid.volume_admin_metadata,
    }
    for key, value in pairs.items():
        assert isinstance(key, str)
        assert len(key) <= MAX_LENGTH
        assert value is None or len(value) <= MAX_LENGTH
    assert not MANAGERS_FIELDS & valid.fields.keys()
    assert not any(key.startswith("manager:") for key in stored)
    if valid.has_request:
        check_request(hook, {k: v for k, v in stored.items() if v is not None})


def check_request(hook: Hook, stored: dict[str, str]) -> None:
    """What Nova would be asked names nothing but bare files."""
    assert hook.is_begin
    if hook.operation is Operation.CREATE:
        asked = create_info("snapshot", stored)
        files = [asked["new_file"]]
    else:
        asked = delete_info("volume", stored)
        files = [asked["file_to_merge"], asked["merge_target_file"]]
    assert asked["type"] == "qcow2"
    assert all(name is None or is_bare_name(name) for name in files)
