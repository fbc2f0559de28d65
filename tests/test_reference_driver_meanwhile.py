# SPDX-License-Identifier: Apache-2.0
"""A long chain is read while ``qemu-img`` makes the overlay on it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from assisted_kit.driver import Hook
from assisted_kit.process import ProcessFailed
from reference_driver import driver
from reference_driver import errors
from reference_driver.meanwhile import meanwhile
from tests.hooks_alone import DetachedVolume


@pytest.fixture
def volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DetachedVolume:
    """A volume of which any chain counts as long, with three snapshots."""
    monkeypatch.setattr(driver, "LONG", 0)
    volume = DetachedVolume(tmp_path)
    for _ in range(3):
        volume.take()
    return volume


def test_work_and_body_are_done_at_the_same_time() -> None:
    # Either would wait for ever for the other, were it done after that.
    both = threading.Barrier(2, timeout=60)
    with meanwhile(both.wait, pays=True):
        both.wait()
    assert not both.broken


def test_work_that_does_not_pay_is_done_before() -> None:
    done: list[str] = []
    with meanwhile(lambda: done.append("work"), pays=False):
        done.append("body")
    assert done == ["work", "body"]


@pytest.mark.parametrize("pays", [True, False])
def test_error_of_the_work_is_raised(pays: bool) -> None:
    def work() -> None:
        raise errors.ChainUnsettled("in doubt")

    with (
        pytest.raises(errors.ChainUnsettled, match="in doubt"),
        meanwhile(work, pays=pays),
    ):
        pass


def test_body_that_fails_leaves_no_thread() -> None:
    before = threading.active_count()
    done = threading.Event()
    with (
        pytest.raises(ProcessFailed),
        meanwhile(done.set, pays=True),
    ):
        raise ProcessFailed(("qemu-img",), 1, "no space left")
    assert done.is_set()
    assert threading.active_count() == before


def test_damage_further_down_is_refused_and_leaves_nothing(
    volume: DetachedVolume,
) -> None:
    oldest = next(iter(volume.snapshots))
    damaged = volume.share / f"{_name(volume)}.{oldest}"
    damaged.write_bytes(b"no header")
    before = sorted(volume.share.iterdir())
    with pytest.raises(errors.ForeignImage, match=damaged.name):
        volume.call(Hook.CREATE_BEGIN, volume.new_snapshot())
    assert sorted(volume.share.iterdir()) == before


def test_leftover_that_is_in_use_is_kept(volume: DetachedVolume) -> None:
    # A begin that comes once more, after complete has made it active.
    newest = list(volume.snapshots)[-1]
    with pytest.raises(errors.ForeignImage, match="in use"):
        volume.call(Hook.CREATE_BEGIN, newest)
    path, _ = volume.active()
    assert path.name == f"{_name(volume)}.{newest}"
    assert path.exists()


def _name(volume: DetachedVolume) -> str:
    name: str = volume.ref().name
    return name
