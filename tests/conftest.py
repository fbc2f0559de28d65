# SPDX-License-Identifier: Apache-2.0
"""What is made once for all test modules."""

from __future__ import annotations

import inspect

import pytest
from cinder_process import CinderProcess
from database_servers import KINDS
from database_servers import SERVERS
from database_servers import SQLITE
from scripted import DatabaseTestCase


@pytest.fixture(scope="session")
def cinder(tmp_path_factory):
    """A process of Cinder's own; it starts with the first test for it."""
    process = CinderProcess(tmp_path_factory.mktemp("cinder"))
    yield process
    process.close()


@pytest.fixture(scope="session", autouse=True)
def database_servers():
    """They start with the first test for them, and end with the last one."""
    yield
    SERVERS.stop()


@pytest.fixture(scope="session")
def warm_runs():
    """Runs of the command line; what forks them starts with the first."""
    # By its name in the package, as the tests that it is for import it.
    from tests.warm_runs import WarmRuns

    runs = WarmRuns()
    yield runs
    runs.close()


LONGEST_NAME = 255
"""Characters: pytest has a test's name in the environment of each process
that the test starts, and there no more fits than the kernel allows."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begin with the tests of minutes: nobody waits for one at the end.

    :raises pytest.UsageError: a test's name is too long.
    """
    for item in items:
        if len(item.nodeid) > LONGEST_NAME:
            raise pytest.UsageError(
                f"the name of the test {item.nodeid[:LONGEST_NAME]}... has "
                f"{len(item.nodeid)} characters: give its row a shorter one, "
                f"at most {LONGEST_NAME}"
            )
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector, name, obj):
    """Have each test of what the database decides run on each of them.

    Test cases cannot be parametrized, so each gets a subclass for each.
    """
    made = yield
    if not inspect.isclass(obj) or not issubclass(obj, DatabaseTestCase):
        return made
    made = [made]
    for kind in KINDS:
        if kind != SQLITE and obj.kind == SQLITE:
            also = f"{name}[{kind}]"
            setattr(collector.obj, also, type(also, (obj,), {"kind": kind}))
            made.append(type(made[0]).from_parent(collector, name=also))
    return made
