# SPDX-License-Identifier: Apache-2.0
"""What a command line of ``qemu-img`` leaves to probing.

QEMU takes the format of an image that it is not told from the content,
which a guest writes (CVE-2015-7548, CVE-2022-47951, CVE-2026-24708).
"""

from __future__ import annotations

import getopt
import itertools
import os
import re
import shlex
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass

WRAPPERS = frozenset(
    {
        "chrt",
        "cinder-rootwrap",
        "env",
        "ionice",
        "nice",
        "nsenter",
        "prlimit",
        "setpriv",
        "stdbuf",
        "strace",
        "sudo",
        "taskset",
        "timeout",
    }
)
"""Programs whose arguments are a command line."""

_INTERPRETER = re.compile(r"python[\d.]*|pypy[\d.]*")
_SHELLS = frozenset({"bash", "dash", "ksh", "sh", "zsh"})
_SEPARATORS = frozenset({"&", "&&", "(", ")", ";", "|", "||"})


@dataclass(frozen=True, slots=True)
class Form:
    """How a subcommand is written."""

    short: str
    """Its options, as for getopt."""
    opens: int | None = 1
    """How many of its files it opens; None for all but the last, 0 for a
    command that only makes one."""
    second: str = ""
    """The option with the format of the second file."""
    backing: str = ""
    """The option that names a backing file, whose format is ``-F``."""


FORMS: Mapping[str, Form] = {
    "amend": Form("o:t:pqf:"),
    "bench": Form("c:d:f:ni:o:qs:S:t:wU"),
    "bitmap": Form("b:f:F:g:qU", backing="-b"),
    "check": Form("f:r:T:qU"),
    "commit": Form("f:t:b:dpqr:"),
    "compare": Form("f:F:T:pqsU", opens=2, second="-F"),
    "convert": Form(
        "f:F:O:B:CcF:o:l:S:pt:T:qnm:WUr:", opens=None, backing="-B"
    ),
    "create": Form("F:b:f:o:qu", opens=0, backing="-b"),
    "dd": Form("f:O:U"),
    "info": Form("f:Ut:"),
    "map": Form("f:s:l:U"),
    "measure": Form("O:o:l:f:U"),
    "rebase": Form("f:F:b:upt:T:qUB:", backing="-b"),
    "resize": Form("f:q"),
    "snapshot": Form("la:c:d:qUf:"),
}
"""The subcommands that open images."""

_VALUED = {
    "backing": "-b",
    "backing-fmt": "-F",
    "backing-format": "-F",
    "format": "-f",
    "source-format": "-f",
    "a-format": "-f",
    "b-format": "-F",
}
"""Long options of QEMU 10.1 that are short ones."""

LONG = [
    *(f"{name}=" for name in _VALUED),
    *(
        f"{name}="
        for name in (
            "cache",
            "flush-interval",
            "max-length",
            "merge",
            "object",
            "output",
            "output-format",
            "pattern",
            "preallocation",
            "size",
            "start-offset",
            "target-format",
        )
    ),
    "add",
    "backing-chain",
    "backing-unsafe",
    "bitmaps",
    "clear",
    "disable",
    "enable",
    "force",
    "force-share",
    "image-opts",
    "no-drain",
    "quiet",
    "remove",
    "salvage",
    "shrink",
    "skip-broken-bitmaps",
    "target-image-opts",
    "target-is-zero",
]


def find(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The ``qemu-img`` commands in an argv, below wrappers and shells."""
    if not words:
        return
    program = os.path.basename(words[0])
    if program == "qemu-img":
        yield tuple(words)
    elif program in _SHELLS:
        for word, line in itertools.pairwise(words):
            if re.fullmatch("-[a-z]*c", word):
                yield from find_in_shell(line)
    elif program in WRAPPERS or _INTERPRETER.fullmatch(program):
        for index, word in enumerate(words[1:], 1):
            if os.path.basename(word) in {"qemu-img", *_SHELLS}:
                yield from find(words[index:])
                return


def find_in_shell(line: str) -> Iterator[tuple[str, ...]]:
    """The ``qemu-img`` commands in a line for a shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    command: list[str] = []
    try:
        for word in [*lexer, ";"]:
            if word not in _SEPARATORS:
                command.append(word)
                continue
            assigned = [re.match(r"\w+=", w) is not None for w in command]
            first = assigned.index(False) if False in assigned else 0
            yield from find(command[first:])
            command = []
    except ValueError:
        # The shell will not make sense of it either.
        return


def unnamed_formats(words: Sequence[str]) -> list[str]:
    """The images whose format a command of ``qemu-img`` leaves open.

    A file name is followed by the option that would say its format.
    """
    rest = list(words[1:])
    while rest and rest[0] in ("-T", "--trace"):
        del rest[:2]
    if not rest or rest[0] not in FORMS:
        return []
    name, form = rest[0], FORMS[rest[0]]
    try:
        found, files = getopt.gnu_getopt(rest[1:], f"{form.short}h", LONG)
    except getopt.GetoptError:
        # qemu-img does not take it either, or it is of a later version.
        return []
    options: dict[str, str] = {}
    for option, value in found:
        options[_VALUED.get(option.lstrip("-"), option)] = value
    return [
        *_unnamed_opened(name, form, options, files),
        *_unnamed_backing(form, options),
    ]


def _unnamed_opened(
    name: str, form: Form, options: Mapping[str, str], files: list[str]
) -> Iterator[str]:
    if name == "dd":
        files = [f[3:] for f in files if f.startswith("if=")]
    opened = files[:-1] if form.opens is None else files[: form.opens]
    for number, file in enumerate(opened):
        option = form.second if number and form.second else "-f"
        if option not in options and not _says_driver(file, options):
            yield f"{file} ({option})"


def _unnamed_backing(form: Form, options: Mapping[str, str]) -> Iterator[str]:
    settings = dict(
        setting.partition("=")[::2]
        for setting in options.get("-o", "").split(",")
    )
    backing = options.get(form.backing) or settings.get("backing_file")
    if not backing or _says_driver(backing, {}):
        return
    if form.backing == "-b" and "-F" in options:
        return
    if form.backing == "-B" and "-F" in options:
        return
    if {"backing_fmt", "backing_format"} & settings.keys():
        return
    yield f"{backing} (-F)"


def _says_driver(file: str, options: Mapping[str, str]) -> bool:
    if "--image-opts" in options:
        return re.search(r"(^|,)driver=", file) is not None
    return file.startswith("json:") and '"driver"' in file
