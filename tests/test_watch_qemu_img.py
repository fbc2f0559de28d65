# SPDX-License-Identifier: Apache-2.0
"""What a command line of qemu-img leaves to probing."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest

from conformance.watch import qemu_img

NAMED = [
    "create -f qcow2 a 1G",
    "create a 1G",
    "create -u -f qcow2 -b b -F raw a 1G",
    "create -f qcow2 -F raw a 1G -b b",
    "create -fqcow2 -o backing_file=b,backing_fmt=raw a",
    "info -f raw a",
    "info -U --output=json -fqcow2 a",
    "info --output json a -f qcow2",
    "info --image-opts driver=qcow2,file.filename=a",
    """info 'json:{"driver": "qcow2", "file": {"filename": "a"}}'""",
    "-T file=x info -f raw a",
    "check -f qcow2 a",
    "commit -f qcow2 -d a",
    "compare -f raw -F qcow2 a b",
    "convert -f raw -O qcow2 a b",
    "convert -n -W -f raw a b",
    "dd -f raw -O raw bs=512 if=a of=b",
    "map -f raw a",
    "measure --size 1G",
    "measure -f raw a",
    "rebase -u -f qcow2 -b b -F raw a",
    "rebase -f qcow2 -b '' a",
    "resize -f raw a 2G",
    "resize --shrink -f raw -- a -512",
    "amend -f qcow2 -o compat=1.1 a",
    "--version",
    "info --no-such-option a",
]

OPEN = {
    "info a": ["a (-f)"],
    "info -U --output=json a": ["a (-f)"],
    "info --image-opts file.filename=a": ["file.filename=a (-f)"],
    "info json:{}": ["json:{} (-f)"],
    "check a": ["a (-f)"],
    "commit a": ["a (-f)"],
    "compare -f raw a b": ["b (-F)"],
    "compare -F raw a b": ["a (-f)"],
    "convert -O raw a b": ["a (-f)"],
    "convert -O qcow2 a b c": ["a (-f)", "b (-f)"],
    "convert -f raw -B d a b": ["d (-F)"],
    "create -f qcow2 -b b a": ["b (-F)"],
    "create -f qcow2 -o backing_file=b a": ["b (-F)"],
    "dd bs=512 if=a of=b": ["a (-f)"],
    "map a": ["a (-f)"],
    "measure -O raw a": ["a (-f)"],
    "rebase -u -b b a": ["a (-f)", "b (-F)"],
    "rebase -u -f qcow2 -b b a": ["b (-F)"],
    "resize a 2G": ["a (-f)"],
    "snapshot -l a": ["a (-f)"],
    "amend -o compat=1.1 a": ["a (-f)"],
}


@pytest.mark.parametrize("line", NAMED)
def test_named_formats_are_recognized(line: str) -> None:
    assert qemu_img.unnamed_formats(["qemu-img", *shlex.split(line)]) == []


@pytest.mark.parametrize("line", OPEN)
def test_open_formats_are_told(line: str) -> None:
    words = ["qemu-img", *shlex.split(line)]
    assert qemu_img.unnamed_formats(words) == OPEN[line]


@pytest.mark.parametrize(
    "line",
    [
        "qemu-img info a",
        "/usr/bin/qemu-img info a",
        "prlimit --as=1 --cpu=30 -- qemu-img info a",
        "env LC_ALL=C qemu-img info a",
        "sudo cinder-rootwrap /etc/cinder/rootwrap.conf env LC_ALL=C "
        "qemu-img info a",
        "/usr/bin/python3 -m oslo_concurrency.prlimit --as=1 -- env "
        "LC_ALL=C qemu-img info a",
        "nice -n 19 ionice -c 3 qemu-img info a",
        "sh -c 'qemu-img info a'",
        "bash -ec 'cd /tmp && LC_ALL=C qemu-img info a | cat'",
        "timeout 5 sh -c 'qemu-img info a'",
    ],
)
def test_commands_are_found(line: str) -> None:
    (words,) = qemu_img.find(shlex.split(line))
    assert words[1:3] == ("info", "a")


@pytest.mark.parametrize(
    "line", ["", "which qemu-img", "rm /tmp/qemu-img", "sh script qemu-img"]
)
def test_other_commands_are_left_alone(line: str) -> None:
    assert list(qemu_img.find(shlex.split(line))) == []


@pytest.mark.parametrize("name", sorted(qemu_img.FORMS.keys() - {"resize"}))
def test_options_are_those_of_qemu_img(name: str) -> None:
    """A valued option of ours is refused by qemu-img without its value."""
    form = qemu_img.FORMS[name].short
    valued = form[form.index(":") - 1]
    done = subprocess.run(
        ["qemu-img", name, f"-{valued}"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert re.search("argument for option|requires an arg", done.stderr)
