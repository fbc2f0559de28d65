# SPDX-License-Identifier: Apache-2.0
"""What a driver logs."""

from __future__ import annotations

import logging

import pytest

from tests.watched import on_a_thread
from tests.watched import Watched
from tests.watched import watched as watched

LOG = logging.getLogger(__name__)


def test_every_level_is_kept(watched: Watched) -> None:
    def hook() -> None:
        LOG.debug("the size is %d", 7)
        on_a_thread(lambda: LOG.error("broken"))

    watched.in_hook(hook)
    assert list(map(str, watched.watch.log("s"))) == [
        f"DEBUG {__name__}: the size is 7",
        f"ERROR {__name__}: broken",
    ]
    assert watched.watch.log("another") == []


def test_handlers_get_what_they_would_have_got(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        watched.in_hook(lambda: (LOG.debug("no"), LOG.info("yes")))
    assert caplog.messages == ["yes"]


def test_what_others_log_is_not_kept(watched: Watched) -> None:
    LOG.error("the kit's")
    assert watched.watch.log() == []


def test_loggers_that_pass_nothing_on_are_heard(watched: Watched) -> None:
    logger = logging.getLogger(f"{__name__}.apart")
    logger.propagate = False
    watched.in_hook(lambda: logger.info("heard"))
    assert [record.text for record in watched.watch.log()] == ["heard"]


def test_a_wrong_statement_is_kept_as_it_is(watched: Watched) -> None:
    watched.in_hook(lambda: LOG.debug("%d", "x"))
    assert "'%d' % ('x',)" in watched.watch.log()[0].text


def test_exceptions_are_kept(watched: Watched) -> None:
    def hook() -> None:
        try:
            raise ValueError("the cause")
        except ValueError:
            LOG.exception("failed")

    watched.in_hook(hook)
    assert "ValueError: the cause" in watched.watch.log()[0].text
