# SPDX-License-Identifier: Apache-2.0
"""Whose work a thread does."""

from __future__ import annotations

import _thread
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance.watch import calls
from tests.watched import on_a_thread
from tests.watched import Watched
from tests.watched import watched as watched


def name_here() -> str | None:
    call = calls.current()
    return call and call.name


def test_nobody_is_at_work_outside_a_call(watched: Watched) -> None:
    watched.in_hook(lambda: None)
    assert name_here() is None


def test_the_calling_thread_is_the_drivers(watched: Watched) -> None:
    assert watched.in_hook(name_here, "delete_volume") == "delete_volume"


def test_a_thread_that_the_driver_starts_is_its_own(watched: Watched) -> None:
    found: list[str | None] = []
    watched.in_hook(
        lambda: on_a_thread(
            lambda: on_a_thread(lambda: found.append(name_here()))
        ),
        "extend_volume",
    )
    assert found == ["extend_volume"]


def test_a_bare_thread_is_its_own(watched: Watched) -> None:
    found: list[str | None] = []
    done = threading.Event()

    def work() -> None:
        found.append(name_here())
        done.set()

    watched.in_hook(
        lambda: _thread.start_new_thread(work, ()), "create_volume"
    )
    done.wait()
    assert found == ["create_volume"]


def test_a_pool_works_for_the_call_under_way(watched: Watched) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = watched.in_hook(lambda: pool.submit(name_here).result(), "a")
        second = watched.in_hook(lambda: pool.submit(name_here).result(), "b")
    assert (first, second) == ("a", "b")


def test_a_thread_at_work_at_the_same_time_is_not(watched: Watched) -> None:
    found: list[str | None] = []
    begin, end = threading.Event(), threading.Event()

    def work() -> None:
        begin.wait()
        found.append(name_here())
        end.set()

    thread = threading.Thread(target=work)
    thread.start()

    def hook() -> None:
        begin.set()
        end.wait()

    watched.in_hook(hook)
    thread.join()
    assert found == [None]


def test_the_kits_own_work_is_aside(watched: Watched) -> None:
    found: list[str | None] = []

    def hook() -> None:
        with calls.aside():
            found.append(name_here())
            on_a_thread(lambda: found.append(name_here()))
        found.append(name_here())

    watched.in_hook(hook, "a")
    assert found == [None, None, "a"]


def test_blame_names_the_drivers_line(watched: Watched) -> None:
    def hook() -> str:
        call = calls.current()
        assert call is not None
        return call.where()

    where = watched.in_hook(hook)
    assert __file__ in where
    assert where.endswith("in hook")


def test_everything_is_taken_back() -> None:
    start, start_new = threading.Thread.start, _thread.start_new_thread
    with Watched(__name__).watch:
        assert threading.Thread.start is not start
    assert threading.Thread.start is start
    assert _thread.start_new_thread is start_new


def test_trouble_in_watching_is_not_kept_quiet(watched: Watched) -> None:
    def hook() -> None:
        call = calls.current()
        assert call is not None
        call.book.troubles.append(LookupError("a defect of the kit"))

    watched.in_hook(hook)
    with pytest.raises(LookupError):
        watched.seen(calls.Sort.WAIT)
