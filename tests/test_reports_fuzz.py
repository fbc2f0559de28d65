# SPDX-License-Identifier: Apache-2.0
"""Whatever is sent as a status report is a report or an InvalidReport."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from assisted_kit.lifecycle import Status
from assisted_kit.reports import ACTION
from assisted_kit.reports import COMPUTE_STATUSES
from assisted_kit.reports import interpret
from assisted_kit.reports import InvalidReport
from assisted_kit.reports import Meaning
from assisted_kit.reports import NEW_STATUSES
from assisted_kit.reports import parse
from assisted_kit.updates import is_progress
from conformance.hostile.api_bodies import KEY
from conformance.hostile.api_bodies import MALFORMED
from conformance.hostile.api_bodies import UNFIT
from conformance.hostile.backing_files import NAMES

VOLUME = "volume-1"
REQUESTED = {"create_info:new_file": "own-name"}
FORMATS = {"format": "raw"}

STATUSES = sorted({*map(str, Status), "backing-up"})
WORDS = [word for words in COMPUTE_STATUSES.values() for word in words]
FILES = [VOLUME, f"{VOLUME}.aa", "own-name", *NAMES.values()]

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text()
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(), inner, max_size=3),
    ),
    max_leaves=8,
)
fields = st.fixed_dictionaries(
    {"status": st.one_of(st.sampled_from(STATUSES), anything)},
    optional={
        "progress": st.one_of(st.sampled_from(["90%", "", "5%"]), anything),
        "compute_snapshot_status": st.one_of(st.sampled_from(WORDS), anything),
        "compute_progress": st.one_of(st.integers(-1, 101), anything),
        "file_format": st.one_of(
            st.dictionaries(
                st.one_of(st.sampled_from(FILES), st.text()),
                st.one_of(st.sampled_from(["raw", "qcow2"]), anything),
                max_size=3,
            ),
            anything,
        ),
        "another": anything,
    },
)
bodies = st.one_of(
    anything,
    st.fixed_dictionaries({ACTION: st.one_of(fields, anything)}),
    st.dictionaries(
        st.sampled_from([ACTION, "os-reset_status"]), fields, max_size=2
    ),
)


CORPUS = {
    **MALFORMED,
    **{f"unfit: {name}": {KEY: report} for name, report in UNFIT.items()},
}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(STATUSES), bodies)
def test_nothing_but_an_invalid_report_comes_out(
    status: str, body: Any
) -> None:
    check(status, body)


@pytest.mark.parametrize("case", CORPUS)
def test_the_same_of_every_hostile_body(case: str) -> None:
    """The corpus; what is found goes there."""
    check("creating", CORPUS[case])


def check(status: str, body: Any) -> None:
    try:
        parsed = parse(body)
        report = interpret(
            parsed,
            status=status,
            volume_name=VOLUME,
            formats=FORMATS,
            admin_metadata=REQUESTED,
        )
    except InvalidReport as error:
        assert len(str(error)) < 600
        return
    assert parsed.status in NEW_STATUSES[status]
    assert report.snapshot_status in COMPUTE_STATUSES[status]
    assert report.progress is None or is_progress(report.progress)
    assert (report.progress == "90%") is (report.meaning is Meaning.DONE)
    if report.compute_progress is not None:
        assert type(report.compute_progress) is int
        assert 0 <= report.compute_progress <= 100
    for name in parsed.file_format:
        own = name in (VOLUME, "own-name") or name.startswith(f"{VOLUME}.")
        assert own


@settings(max_examples=200, deadline=None)
@given(bodies)
def test_a_body_is_read_alike_from_its_json(body: object) -> None:
    """Nothing depends on what JSON cannot carry."""
    sent = json.loads(json.dumps(body))
    assert outcome(sent) == outcome(body)


def outcome(body: object) -> Mapping[str, object] | None:
    try:
        parsed = parse(body)
    except InvalidReport:
        return None
    return {name: getattr(parsed, name) for name in type(parsed).__slots__}
