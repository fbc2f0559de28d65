# SPDX-License-Identifier: Apache-2.0
"""The set-up script, on a checkout and a machine made of fakes."""

from __future__ import annotations

import ast
import fcntl
import os
import subprocess
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "kit"

BINDEP = """\
disk-tools [platform:dpkg]  # provides: disk-img disk-io
disk-img [platform:rpm]  # provides: disk-img disk-io
python3-venv [platform:dpkg venv]
"""

INSTALLS = ("pip", "compileall")

# A Python that makes an environment whose own Python is a copy of itself.
PYTHON = """\
echo "python $*" >> "$LOG"
case "$*" in
"-m venv "*)
    mkdir -p "$3/bin"
    cp "$0" "$3/bin/python"
    ;;
"-m pip "*)
    if [ -e "$BROKEN" ]; then
        echo "line one"
        echo "line two" >&2
        exit 1
    fi
    ;;
esac
"""

# A package manager that installs whatever its lists have.
APT_GET = """\
echo "apt-get $*" >> "$LOG"
case "$1" in
update) touch "$LISTS" ;;
install)
    if [ ! -e "$LISTS" ]; then
        echo "E: Unable to locate package"
        exit 100
    fi
    for program in disk-img disk-io; do
        printf '#!/bin/sh\\n' > "$BIN/$program"
        chmod +x "$BIN/$program"
    done
    ;;
esac
"""


class Machine:
    """A checkout and the programs in PATH, with a log of what was run."""

    def __init__(self, folder: Path, kit: ModuleType) -> None:
        self.kit = kit
        self.root = folder / "checkout"
        self.bin = folder / "bin"
        self.log = folder / "log"
        self.lists = folder / "lists"
        self.broken = folder / "broken"
        self.root.mkdir()
        self.bin.mkdir()
        (self.root / "pyproject.toml").write_text("[project]\n")
        (self.root / "bindep.txt").write_text(BINDEP)
        self.add("python", PYTHON)
        for name in ("mkdir", "cp", "touch", "chmod", "env", "true"):
            program = kit.find_program(name, os.environ["PATH"])
            (self.bin / name).symlink_to(program)

    def add(self, name: str, body: str = "") -> None:
        program = self.bin / name
        program.write_text(f"#!/bin/sh\n{body}")
        program.chmod(0o755)

    def add_programs(self) -> None:
        self.add("disk-img")
        self.add("disk-io")

    def add_apt(self, *, knows: bool = True) -> None:
        self.add("apt-get", APT_GET)
        self.add("apt-cache", '[ -e "$LISTS" ]')
        self.add("dpkg-query", "printf not-installed; exit 1")
        if knows:
            self.lists.touch()

    def setup(self):
        python = str(self.bin / "python")
        return self.kit.Setup(self.root, python, str(self.bin))

    def commands(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def pip_installs(self) -> int:
        return sum(" -m pip install " in line for line in self.commands())


@pytest.fixture(scope="module")
def kit() -> ModuleType:
    loader = SourceFileLoader("kit_script", str(SCRIPT))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    write_bytecode = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = write_bytecode
    return module


@pytest.fixture
def machine(tmp_path, kit, monkeypatch) -> Machine:
    """A machine whose user is root and has Python, and nothing else."""
    machine = Machine(tmp_path, kit)
    monkeypatch.setenv("PATH", str(machine.bin))
    monkeypatch.setenv("LOG", str(machine.log))
    monkeypatch.setenv("BIN", str(machine.bin))
    monkeypatch.setenv("LISTS", str(machine.lists))
    monkeypatch.setenv("BROKEN", str(machine.broken))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "_base_executable", str(machine.bin / "python"))
    monkeypatch.setattr(kit, "has_ensurepip", lambda: True)
    return machine


@pytest.fixture
def became(kit, monkeypatch) -> list[list[str]]:
    """The commands that the script handed its process over to."""
    commands: list[list[str]] = []
    monkeypatch.setattr(kit, "become", commands.append)
    return commands


def refuse_processes(monkeypatch) -> None:
    def refuse(*args, **kwargs):
        pytest.fail(f"a process was started: {args}")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(os, "fork", refuse)
    monkeypatch.setattr(os, "system", refuse)


class TestPackageList:
    def test_comments_and_blank_lines_are_no_packages(self, kit):
        assert kit.read_packages("# none\n\n   \n") == []

    def test_a_line_has_a_name_selectors_and_programs(self, kit):
        text = "a-b [platform:dpkg test]  # provides: one two\n"

        (package,) = kit.read_packages(text)

        assert package.name == "a-b"
        assert package.selectors == ["platform:dpkg", "test"]
        assert package.programs == ["one", "two"]

    @pytest.mark.parametrize(
        ("selectors", "profiles", "needed"),
        [
            ("", (), True),
            ("platform:dpkg", (), True),
            ("platform:rpm", (), False),
            ("platform:rpm platform:dpkg", (), True),
            ("!platform:rpm", (), True),
            ("!platform:dpkg", (), False),
            ("test", (), False),
            ("test", ("test",), True),
            ("platform:dpkg test", (), False),
            ("platform:dpkg test", ("test",), True),
            ("platform:rpm test", ("test",), False),
            ("!test", (), True),
            ("!test", ("test",), False),
        ],
    )
    def test_selectors_choose(self, kit, selectors, profiles, needed):
        (package,) = kit.read_packages(f"name [{selectors}]")

        assert package.is_needed("dpkg", set(profiles)) is needed

    @pytest.mark.parametrize(
        "line",
        ["name >=1", "name [test] >=1", "name [test", "name [(a b)]", "[a]"],
    )
    def test_what_it_cannot_read_is_an_error_naming_the_line(self, kit, line):
        with pytest.raises(kit.Trouble, match="line 2 is not plain") as raised:
            kit.read_packages(f"fine\n{line}\n")

        assert line in str(raised.value)

    def test_the_kits_own_list_names_its_programs(self, kit):
        text = (SCRIPT.parent / "bindep.txt").read_text()

        programs = {
            program
            for package in kit.read_packages(text)
            if package.is_needed("dpkg", {"run"})
            for program in package.programs
        }

        assert programs == {"qemu-img", "qemu-io"}

    def test_what_only_the_tests_need_is_optional(self, kit):
        text = (SCRIPT.parent / "bindep.txt").read_text()

        for platform in ("dpkg", "rpm"):
            added = [
                package
                for package in kit.read_packages(text)
                if package.is_needed(platform, {"run", "test"})
                and not package.is_needed(platform, {"run"})
            ]
            programs = {
                program.rpartition("/")[2]
                for package in added
                for program in package.programs
            }

            assert all(package.optional for package in added)
            assert programs == {
                *("mysqld", "mysql_install_db", "mysql"),
                *("initdb", "pg_ctl"),
                *("bindfs", "mkntfs", "lowntfs-3g", "glusterd", "gluster"),
            }


class TestOptionalPackages:
    """A package for more tests, of which no ``./kit run`` knows."""

    @pytest.fixture
    def line(self, machine) -> Path:
        machine.add_programs()
        folder = machine.root.parent / "lib" / "15" / "bin"
        text = (
            f"server [platform:dpkg test]  # optional, provides: "
            f"{machine.root.parent}/lib/*/bin/server-init\n"
        )
        with (machine.root / "bindep.txt").open("a") as file:
            file.write(text)
        return folder

    def test_is_installed_with_the_tests(self, machine, line, capsys):
        machine.add_apt()

        machine.setup().complete("test")

        assert "installing server (apt-get)..." in capsys.readouterr().err
        assert machine.pip_installs() == 1

    def test_is_not_installed_for_a_run(self, machine, line):
        machine.add_apt()

        machine.setup().complete("run")

        assert not any("apt-get" in each for each in machine.commands())

    def test_that_cannot_be_installed_is_told_and_left_out(
        self, machine, line, capsys, monkeypatch
    ):
        machine.add_apt()
        monkeypatch.setattr(os, "geteuid", lambda: 1000)

        machine.setup().complete("test")

        said = capsys.readouterr().err
        assert "missing: server-init" in said
        assert "sudo apt-get install" in said
        assert "What needs these is left out until then." in said
        assert machine.pip_installs() == 1
        # The next one has the project already, and says so again.
        machine.setup().complete("test")
        assert "missing: server-init" in capsys.readouterr().err
        assert machine.pip_installs() == 1

    def test_is_found_where_the_distribution_has_it(
        self, machine, line, monkeypatch
    ):
        refuse_processes(monkeypatch)
        setup = machine.setup()
        line.mkdir(parents=True)
        (line / "server-init").touch(mode=0o755)

        assert setup.missing_optional("test") == []


class TestSystemPackages:
    def test_root_has_a_missing_package_installed(self, machine, capsys):
        machine.add_apt()

        machine.setup().complete("run")

        installs = [c for c in machine.commands() if "apt-get" in c]
        assert len(installs) == 1
        assert installs[0].endswith(" disk-tools")
        assert "--no-install-recommends" in installs[0]
        said = capsys.readouterr().err
        assert "installing disk-tools (apt-get)..." in said

    def test_an_unknown_package_is_looked_for_after_an_update(self, machine):
        machine.add_apt(knows=False)

        machine.setup().complete("run")

        verbs = [c.split()[1] for c in machine.commands() if "apt-get" in c]
        assert verbs == ["update", "install"]

    def test_what_is_in_path_is_not_installed(self, machine):
        machine.add_apt()
        machine.add_programs()

        machine.setup().complete("run")

        assert not [c for c in machine.commands() if "apt-get" in c]

    @pytest.mark.parametrize("sudo", [None, "exit 1"])
    def test_an_ordinary_user_is_told_what_to_have_installed(
        self, machine, monkeypatch, capsys, sudo
    ):
        machine.add_apt()
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        if sudo:
            machine.add("sudo", sudo)

        status = machine.kit.main(["run"], machine.root)

        assert status == 3
        said = capsys.readouterr().err
        assert "missing: disk-img, disk-io" in said
        assert "sudo apt-get install -y" in said
        assert "disk-tools" in said
        assert machine.commands() == []

    def test_an_ordinary_user_with_sudo_has_it_installed(
        self, machine, monkeypatch
    ):
        machine.add_apt()
        machine.add("sudo", 'echo "sudo $*" >> "$LOG"; shift; exec "$@"')
        monkeypatch.setattr(os, "geteuid", lambda: 1000)

        machine.setup().complete("run")

        commands = machine.commands()
        assert any(
            c.startswith("sudo -n env DEBIAN_FRONTEND=") for c in commands
        )
        assert any(c.startswith("apt-get install") for c in commands)

    def test_an_unknown_distribution_is_told_the_programs(
        self, machine, capsys
    ):
        assert machine.kit.main(["run"], machine.root) == 3

        said = capsys.readouterr().err
        assert "missing: disk-img, disk-io" in said
        assert "neither apt-get nor dnf" in said
        assert "disk-tools" in said

    def test_another_package_manager_has_its_own_names(self, machine):
        machine.add("dnf", 'echo "dnf $*" >> "$LOG"; shift; exit 1')

        with pytest.raises(machine.kit.Trouble, match="disk-img could not"):
            machine.setup().complete("run")

        assert machine.commands() == ["dnf install -y disk-img"]

    def test_a_failing_installation_is_shown_whole(self, machine, capsys):
        machine.add_apt()
        machine.add("apt-get", "echo 'E: first'; echo 'E: last' >&2; exit 100")

        assert machine.kit.main(["run"], machine.root) == 3

        said = capsys.readouterr().err
        assert "E: first\nE: last\n" in said
        assert "disk-tools could not be installed (exit status 100)" in said

    def test_a_program_that_vanished_is_installed_again(self, machine):
        machine.add_apt()
        machine.setup().complete("run")
        (machine.bin / "disk-io").unlink()

        machine.setup().complete("run")

        installs = [c for c in machine.commands() if "apt-get" in c]
        assert len(installs) == 2
        assert machine.pip_installs() == 1

    def test_missing_ensurepip_is_installed(self, machine, monkeypatch):
        machine.add_apt()
        machine.add_programs()
        has = iter([False, True])
        monkeypatch.setattr(machine.kit, "has_ensurepip", lambda: next(has))

        machine.setup().complete("run")

        (install,) = [c for c in machine.commands() if "apt-get" in c]
        version = "{}.{}".format(*sys.version_info[:2])
        assert install.endswith(f" python{version}-venv")

    def test_a_python_that_stays_without_ensurepip_is_refused(
        self, machine, monkeypatch
    ):
        machine.add_apt()
        machine.add_programs()
        monkeypatch.setattr(machine.kit, "has_ensurepip", lambda: False)

        with pytest.raises(machine.kit.Trouble, match="has no ensurepip"):
            machine.setup().complete("run")


class TestEnvironment:
    @pytest.fixture(autouse=True)
    def programs(self, machine):
        machine.add_programs()

    @pytest.mark.parametrize(
        ("level", "extras"),
        [("run", "[test]"), ("test", "[test,cinder,databases,docs]")],
    )
    def test_a_level_installs_its_extras(self, machine, level, extras):
        machine.setup().complete(level)

        venv, pip, compiled = machine.commands()
        assert venv == f"python -m venv {machine.root}/.venv"
        assert pip.endswith(f" --editable {machine.root}{extras}")
        assert compiled.startswith("python -m compileall ")

    def test_all_of_the_kit_is_compiled(self, machine):
        found = tomllib.loads((ROOT / "pyproject.toml").read_text())
        include = found["tool"]["setuptools"]["packages"]["find"]["include"]
        assert {f"{name}*" for name in machine.kit.PACKAGES} == set(include)

    @pytest.mark.parametrize(
        ("done", "asked"), [("run", "run"), ("test", "test"), ("test", "run")]
    )
    def test_nothing_is_started_when_nothing_is_missing(
        self, machine, monkeypatch, done, asked
    ):
        machine.setup().complete(done)
        refuse_processes(monkeypatch)

        machine.setup().complete(asked)

    def test_the_higher_level_is_added_to_the_lower(self, machine):
        machine.setup().complete("run")
        machine.setup().complete("test")

        verbs = [c.split()[2] for c in machine.commands()]
        assert verbs == ["venv", *INSTALLS, *INSTALLS]

    @pytest.mark.parametrize("name", ["pyproject.toml", "bindep.txt"])
    def test_a_changed_project_is_installed_again(self, machine, name):
        machine.setup().complete("run")
        with (machine.root / name).open("a") as file:
            file.write("# changed\n")
        assert not machine.setup().is_complete("run")

        machine.setup().complete("run")

        verbs = [c.split()[2] for c in machine.commands()]
        assert verbs == ["venv", *INSTALLS, *INSTALLS]

    def test_another_python_gets_a_new_environment(self, machine):
        machine.setup().complete("run")
        python = machine.setup().python
        python.rename(python.with_name("python3.99"))
        python.symlink_to("python3.99")

        machine.setup().complete("run")

        verbs = [c.split()[2] for c in machine.commands()]
        assert verbs == ["venv", *INSTALLS, "venv", *INSTALLS]

    def test_a_moved_checkout_gets_a_new_environment(self, machine):
        machine.setup().complete("run")
        machine.root = machine.root.rename(machine.root.with_name("moved"))

        machine.setup().complete("run")

        again = machine.commands()[1 + len(INSTALLS)]
        assert again.endswith("/moved/.venv")

    def test_an_unfinished_environment_is_made_anew(self, machine):
        machine.broken.touch()
        with pytest.raises(machine.kit.Trouble):
            machine.setup().complete("run")
        left = machine.root / ".venv" / "lib"
        left.mkdir()
        machine.broken.unlink()

        machine.setup().complete("run")

        assert not left.exists()
        assert machine.setup().is_complete("run")

    def test_a_failed_update_leaves_no_stamp(self, machine):
        machine.setup().complete("run")
        machine.broken.touch()

        with pytest.raises(machine.kit.Trouble):
            machine.setup().complete("test")

        assert not machine.setup().is_complete("run")

    def test_an_error_of_pips_is_shown_whole(self, machine, capsys):
        machine.broken.touch()

        assert machine.kit.main(["run"], machine.root) == 3

        said = capsys.readouterr().err
        assert "line one\nline two\n" in said
        assert "failed with exit status 1" in said
        assert "-m pip install" in said

    def test_an_environment_of_the_users_own_is_left_alone(
        self, machine, capsys
    ):
        own = machine.root / ".venv" / "pyvenv.cfg"
        own.parent.mkdir()
        own.touch()

        assert machine.kit.main(["run"], machine.root) == 3

        assert "./kit did not make it" in capsys.readouterr().err
        assert list(own.parent.iterdir()) == [own]

    def test_set_up_by_another_process_is_waited_for_and_used(
        self, machine, monkeypatch, capsys
    ):
        machine.setup().complete("run")
        stamp = machine.setup().stamp_file("run")
        text = stamp.read_text()
        stamp.unlink()
        flock = fcntl.flock

        def finish_meanwhile(file: int, how: int) -> None:
            if how & fcntl.LOCK_NB:
                raise BlockingIOError
            stamp.write_text(text)
            flock(file, how)

        monkeypatch.setattr(fcntl, "flock", finish_meanwhile)

        machine.setup().complete("run")

        assert "waiting for another ./kit" in capsys.readouterr().err
        assert machine.pip_installs() == 1

    def test_the_lock_is_held_during_set_up_and_free_after_it(self, machine):
        setup = machine.setup()
        lock = setup.lock()
        with (machine.root / ".venv" / "kit.lock").open("w") as file:
            with pytest.raises(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(lock)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def test_an_interruption_is_told(self, machine, monkeypatch, capsys):
        def interrupt(*args):
            raise KeyboardInterrupt

        monkeypatch.setattr(machine.kit.Setup, "must", interrupt)

        assert machine.kit.main(["run"], machine.root) == 130

        assert "interrupted" in capsys.readouterr().err
        assert not machine.setup().is_complete("run")


class TestVerbs:
    @pytest.fixture(autouse=True)
    def programs(self, machine, monkeypatch):
        machine.add_programs()
        monkeypatch.chdir(machine.root.parent)

    @pytest.mark.parametrize("verb", ["run", "rules", "explain"])
    def test_a_verb_is_passed_on_where_the_user_is(
        self, machine, became, verb
    ):
        machine.kit.main([verb, "--some", "x"], machine.root)

        bin_folder = machine.root / ".venv" / "bin"
        assert became == [
            [
                str(bin_folder / "python"),
                str(bin_folder / "assisted-kit"),
                verb,
                "--some",
                "x",
            ]
        ]
        assert Path.cwd() == machine.root.parent

    @pytest.mark.parametrize(("cores", "workers"), [(1, "2"), (64, "8")])
    def test_tests_run_in_the_checkout_without_the_slow(
        self, machine, became, monkeypatch, cores, workers
    ):
        monkeypatch.setattr("os.sched_getaffinity", lambda _: range(cores))
        machine.kit.main(["test", "-k", "x"], machine.root)

        assert became[0][1:5] == ["-m", "pytest", "-m", "not slow"]
        assert became[0][5:9] == ["-n", workers, "--dist", "worksteal"]
        assert became[0][-2:] == ["-k", "x"]
        assert Path.cwd() == machine.root

    def test_all_tests_are_all_of_them(self, machine, became):
        machine.kit.main(["test", "--all", "-n0"], machine.root)

        assert became[0][1:] == ["-m", "pytest", "-n0"]

    @pytest.mark.parametrize("verb", ["test", "bench"])
    def test_processes_share_what_is_compiled(
        self, machine, became, monkeypatch, verb
    ):
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        machine.kit.main([verb], machine.root)

        assert became
        assert "PYTHONDONTWRITEBYTECODE" not in os.environ

    def test_benchmarks_run_where_the_user_is(
        self, machine, became, monkeypatch
    ):
        monkeypatch.setenv("PYTHONPATH", "others")
        machine.kit.main(["bench", "--json", "x"], machine.root)

        assert became[0][1:] == ["-P", "-m", "benchmarks", "--json", "x"]
        assert os.environ["PYTHONPATH"] == f"{machine.root}{os.pathsep}others"
        assert Path.cwd() == machine.root.parent
        assert machine.setup().is_complete("test")

    def test_setup_becomes_nothing(self, machine, became):
        assert machine.kit.main(["setup", "run"], machine.root) == 0

        assert became == []
        assert machine.setup().is_complete("run")
        assert not machine.setup().is_complete("test")

    @pytest.mark.parametrize("arguments", [["all"], ["run", "test"]])
    def test_setup_knows_its_levels(self, machine, capsys, arguments):
        assert machine.kit.main(["setup", *arguments], machine.root) == 2

        assert "run, test" in capsys.readouterr().err

    @pytest.mark.parametrize("verb", ["help", "--help", "-h"])
    def test_help_sets_nothing_up(self, machine, capsys, verb):
        assert machine.kit.main([verb], machine.root) == 0

        assert "usage: ./kit VERB" in capsys.readouterr().out
        assert machine.commands() == []

    def test_no_verb_is_wrong_usage(self, machine, capsys):
        assert machine.kit.main([], machine.root) == 2

        assert "usage: ./kit VERB" in capsys.readouterr().err

    def test_an_unknown_verb_is_wrong_usage(self, machine, capsys):
        assert machine.kit.main(["bnech"], machine.root) == 2

        said = capsys.readouterr().err
        assert "unknown verb 'bnech'" in said
        assert "run, rules, explain, test" in said
        assert machine.commands() == []


class TestPython:
    def test_the_script_parses_on_an_old_python(self):
        ast.parse(SCRIPT.read_text(), feature_version=(3, 6))

    def test_an_old_python_alone_is_told_what_is_needed(self, machine, capsys):
        assert machine.kit.main(["run"], machine.root, version=(3, 8)) == 3

        said = capsys.readouterr().err
        assert "Python 3.11 or later is needed, and this is 3.8" in said

    def test_an_old_python_hands_over_to_one_that_starts(
        self, machine, monkeypatch
    ):
        class Replaced(BaseException):
            pass

        def replace(command):
            raise Replaced(*command)

        monkeypatch.setattr(machine.kit, "become", replace)
        machine.add("python3.13", "exit 127")
        machine.add("python3.12")

        with pytest.raises(Replaced) as raised:
            machine.kit.main(["run", "x"], machine.root, version=(3, 8))

        newer = str(machine.bin / "python3.12")
        assert raised.value.args == (newer, f"{machine.root}/kit", "run", "x")
