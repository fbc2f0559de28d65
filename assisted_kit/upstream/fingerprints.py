# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of functions and constants, taken from source."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from collections.abc import Sequence
from importlib import metadata
from importlib import resources
from importlib import util
from pathlib import Path
from typing import NamedTuple

from assisted_kit.errors import AssistedKitError
from assisted_kit.upstream.symbols import Symbol

FILE = Path(str(resources.files(__package__) / "fingerprints.json"))
"""Those that the rules were written by."""


class NotInstalled(AssistedKitError):
    """There is no such package to look at."""


class Fingerprint(NamedTuple):
    """What is compared of a symbol."""

    signature: str
    """The parameters of a function; of a constant the kind of its value."""
    digest: str
    """Of what it does or is, without comments and docstrings."""


def root_of(package: str) -> Path:
    """Where a package is installed; it is not imported.

    :raises NotInstalled: it is not.
    """
    try:
        spec = util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.origin:
        raise NotInstalled(
            f"{package} is not installed: there is nothing to compare"
        )
    return Path(spec.origin).parent


def version_of(package: str) -> str:
    """The version of an installed package, "unknown" without metadata."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def read(symbol: Symbol, root: Path) -> Fingerprint | None:
    """The symbol as it is installed; None if it is not there.

    :param root: the package's directory.
    """
    file = root.joinpath(*symbol.module.split(".")).with_suffix(".py")
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    node = find(tree, symbol.name)
    return None if node is None else _fingerprint(node)


def recorded() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """By package, its version and its symbols, ``module:name``."""
    content: Mapping[str, Mapping[str, Sequence[str]]] = json.loads(
        FILE.read_text()
    )
    return content


def find(tree: ast.AST, dotted: str) -> ast.AST | None:
    """A symbol in its module's tree, by its name; None if it is not there."""
    for name in dotted.split("."):
        for node in ast.iter_child_nodes(tree):
            if name in _names(node):
                tree = node
                break
        else:
            return None
    return tree


def _names(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign(targets=targets):
            return [t.id for t in targets if isinstance(t, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def _fingerprint(node: ast.AST) -> Fingerprint:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            signature = f"({_parameters(node.args)})"
            content: list[ast.AST] = [
                *node.decorator_list,
                *_without_docstring(node.body),
            ]
        case (
            ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value)
        ):
            signature = type(value).__name__.lower()
            content = [value]
        case _:
            signature, content = "", [node]
    dumped = "\n".join(_dumped(each) for each in content)
    digest = hashlib.sha256(dumped.encode()).hexdigest()
    return Fingerprint(signature, digest[:16])


def _dumped(node: ast.AST) -> str:
    """A tree as text, the same by every version of Python.

    Newer ones have fields that are empty here, and leave empty ones out of
    what ``ast.dump`` makes.
    """
    parts = []
    for name, value in ast.iter_fields(node):
        values = value if isinstance(value, list) else [value]
        told = [
            _dumped(each) if isinstance(each, ast.AST) else repr(each)
            for each in values
            if each is not None
        ]
        if told and name != "ctx":
            parts.append(f"{name}=[{','.join(told)}]")
    return f"{type(node).__name__}({','.join(parts)})"


def _parameters(arguments: ast.arguments) -> str:
    """Names and defaults, without annotations, which change nothing."""
    for each in (
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ):
        if each is not None:
            each.annotation = None
    return ast.unparse(arguments)


def _without_docstring(body: Sequence[ast.stmt]) -> Sequence[ast.stmt]:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
    return body
