# SPDX-License-Identifier: Apache-2.0
"""One try of everything that every test needs, before any test.

What fails here would fail in each of them, and say less of the cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import fixtures
from oslo_db.exception import DBError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from assisted_kit.subject import check_interface
from assisted_kit.subject import Subject
from assisted_kit.subject import SubjectError
from assisted_kit.subject import trace
from conformance.deployment import OpenDatabase
from conformance.work_directory import WorkDirectory

Ready = TypeVar("Ready", bound=fixtures.Fixture)


def try_out(subject: Subject) -> None:
    """Use the share and the database once, and construct the driver.

    :raises SubjectError: saying which of them cannot be used, and why.
    """
    with _ready(WorkDirectory(subject)) as directory:
        directory.check_room()
        _try_database(subject)
        _try_driver(subject, directory.path)


@contextmanager
def _ready(fixture: Ready) -> Iterator[Ready]:
    try:
        fixture.setUp()
    except fixtures.MultipleExceptions as error:
        # Of what went wrong in a fixture's set-up, the cause comes first.
        raise error.args[0][1] from None
    try:
        yield fixture
    finally:
        fixture.cleanUp()


def _try_database(subject: Subject) -> None:
    try:
        with _ready(OpenDatabase(subject)):
            pass
    except (DBError, SQLAlchemyError, ImportError) as error:
        raise SubjectError(
            f"the database {_url(subject)} cannot be used: {error}"
        ) from error


def _url(subject: Subject) -> str:
    if subject.database is None:
        return "in the temporary directory"
    try:
        url = make_url(subject.database)
    except SQLAlchemyError:
        return f"of [database] connection in {subject.config_file}"
    return url.render_as_string(hide_password=True)


def _try_driver(subject: Subject, directory: Path) -> None:
    try:
        driver = subject.adapter.construct(
            directory,
            base_format=subject.adapter.bases[0],
            execute=subject.execute,
        )
    except (Exception, SystemExit) as error:
        raise SubjectError(
            f"the driver {subject.driver} cannot be constructed and set "
            f"up:\n{trace(error)}"
        ) from error
    check_interface(driver)
