# SPDX-License-Identifier: Apache-2.0
"""Finding the driver under test, and saying why it is not found."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assisted_kit import DriverAdapter
from assisted_kit import subject
from assisted_kit.capabilities import Capability
from assisted_kit.capabilities import DEFAULT
from assisted_kit.rules import Profile
from assisted_kit.subject import SubjectError
from assisted_kit.subject import UsageError
from reference_driver.driver import RemoteFSAssistedDriver

DRIVERS = Path(__file__).parent / "drivers"


@pytest.fixture(autouse=True)
def users_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The current directory; what is imported from it is forgotten."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(DRIVERS)])
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith(("mine", "troublesome")):
            del sys.modules[name]


def refused(name: str) -> str:
    with pytest.raises(SubjectError) as caught:
        subject.load(name)
    return str(caught.value)


# -- what is found


def test_reference_driver_is_what_nobody_named() -> None:
    found = subject.load()
    assert found.driver == subject.REFERENCE_DRIVER
    assert found.adapter.driver_class is RemoteFSAssistedDriver
    assert found.options == []


def test_driver_in_the_users_directory(users_directory: Path) -> None:
    (users_directory / "mine.py").write_text(
        "from troublesome import RawOnly as Driver\n"
    )
    found = subject.load("mine:Driver")
    assert found.options == ["--driver", "mine:Driver"]
    assert found.adapter.name == "troublesome:RawOnly"


def test_what_is_said_goes_before_the_configuration_file(
    users_directory: Path,
) -> None:
    file = users_directory / "kit.conf"
    file.write_text("[assisted_kit]\ndriver = troublesome:Good\n")
    assert subject.load(None, str(file)).driver == "troublesome:Good"
    found = subject.load("troublesome:RawOnly", str(file))
    assert found.driver == "troublesome:RawOnly"
    assert found.options == [
        "--driver",
        "troublesome:RawOnly",
        "--config",
        str(file),
    ]


def test_environment_names_the_driver(users_directory: Path) -> None:
    found = subject.from_environment({"ASSISTED_DRIVER": "troublesome:Good"})
    assert found.driver == "troublesome:Good"
    unset = subject.from_environment({"ASSISTED_DRIVER": ""})
    assert unset.driver == subject.REFERENCE_DRIVER


def test_capabilities_of_the_configuration_file_count(
    users_directory: Path,
) -> None:
    file = users_directory / "kit.conf"
    file.write_text("[assisted_kit]\ncapabilities = qcow2_base\n")
    found = subject.load("troublesome:Good", str(file))
    assert found.adapter.capabilities == {Capability.qcow2_base}


def test_legacy_driver_is_one(users_directory: Path) -> None:
    found = subject.load("troublesome:Legacy")
    assert found.adapter.profile is Profile.LEGACY


def test_hooks_that_their_class_calls_itself(users_directory: Path) -> None:
    (users_directory / "mine.py").write_text(
        "from reference_driver.driver import RemoteFSAssistedDriver\n"
        "class Mine(RemoteFSAssistedDriver):\n"
        "    supports_assisted_snapshots = False\n"
    )
    found = subject.load("mine:Mine")
    assert found.adapter.profile is Profile.LEGACY


def test_adapter_in_the_drivers_place(users_directory: Path) -> None:
    (users_directory / "mine.py").write_text(
        "import assisted_kit\n"
        "from troublesome import Good\n"
        "class Adapter(assisted_kit.DriverAdapter):\n"
        "    driver_class = Good\n"
        "class Maker(assisted_kit.DriverAdapter):\n"
        "    name = 'vendor:Driver'\n"
    )
    adapter = subject.load("mine:Adapter").adapter
    assert isinstance(adapter, DriverAdapter)
    assert adapter.name == "troublesome:Good"
    maker = subject.load("mine:Maker").adapter
    assert maker.name == "vendor:Driver"
    assert maker.capabilities == DEFAULT


# -- what is not


@pytest.mark.parametrize(
    "name",
    ["", "mine", "mine:", ":Driver", "mine:a:b", "mine.:X", "a b:X", "x/y:X"],
)
def test_malformed_name(name: str) -> None:
    with pytest.raises(UsageError, match="does not name a driver"):
        subject.load(name)


def test_module_that_is_not_there() -> None:
    message = refused("mine_absent:Driver")
    assert "does not import:\nModuleNotFoundError: No module" in message
    assert "directory that has mine_absent" in message
    assert "Traceback" not in message


def test_driver_of_cinders_without_cinder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name, *rest: None if name == "cinder" else found(name, *rest),
    )
    for name in [n for n in sys.modules if n.startswith("assisted_kit.cin")]:
        monkeypatch.delitem(sys.modules, name)
    message = refused("cinder.volume.drivers.nfs:NfsDriver")
    assert "needs Cinder 29: install assisted-kit[cinder]" in message


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import mine_dependency", "No module named 'mine_dependency'"),
        ("raise ImportError('no libfoo')", "ImportError: no libfoo"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("raise ValueError('no way')", "ValueError: no way"),
        ("import sys; sys.exit('goodbye')", "SystemExit: goodbye"),
    ],
)
def test_module_that_does_not_import(
    users_directory: Path, source: str, said: str
) -> None:
    (users_directory / "mine.py").write_text(source)
    message = refused("mine:Driver")
    assert message.startswith("the driver mine:Driver does not import:\n")
    assert said in message
    # Where the user's code is, and none of the way to it.
    assert f'File "{users_directory / "mine.py"}", line 1' in message
    assert "importlib" not in message
    assert "assisted_kit" not in message


def test_package_of_the_users_that_the_kits_hides(
    users_directory: Path,
) -> None:
    (users_directory / "fakes").mkdir()
    (users_directory / "mine.py").write_text("import fakes.backend")
    message = refused("mine:Driver")
    assert "No module named 'fakes.backend'" in message
    assert f"hides {users_directory / 'fakes'}: rename that one" in message


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Absent", "has no class Absent"),
        ("not_a_class", "is no class but 3"),
        ("WithoutHooks", "none of the four hooks"),
        ("DeclaresUnknown", "unknown capability 'flying'"),
        ("DeclaresString", "'raw_base' is a string"),
        ("DeclaresNoBase", "neither raw_base nor qcow2_base"),
    ],
)
def test_class_that_is_no_driver(name: str, said: str) -> None:
    assert said in refused(f"troublesome:{name}")


def test_adapter_that_cannot_be_constructed(users_directory: Path) -> None:
    (users_directory / "mine.py").write_text(
        "import assisted_kit\n"
        "class Adapter(assisted_kit.DriverAdapter):\n"
        "    def __init__(self, *arguments):\n"
        "        raise ValueError('no way')\n"
    )
    message = refused("mine:Adapter")
    assert message.startswith("the adapter mine:Adapter cannot be constr")
    assert message.endswith("ValueError: no way")
