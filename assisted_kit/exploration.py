# SPDX-License-Identifier: Apache-2.0
"""How long the state machine searches, and where it begins.

``--seed`` and ``--examples`` of the command line are the environment
variables ``ASSISTED_SEED`` and ``ASSISTED_EXAMPLES`` of every other runner.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from assisted_kit.settings import UsageError

SEED_VARIABLE = "ASSISTED_SEED"
EXAMPLES_VARIABLE = "ASSISTED_EXAMPLES"

SEED = 0
EXAMPLES = 4
STEPS = 20
"""Of each of those that are tried by default, which takes seconds."""

LONG_STEPS = 50
"""Of each where somebody says how many there are to be."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """What was asked for; None where nothing was said.

    :ivar given_examples: programs that each machine tries.
    """

    given_seed: int | None = None
    given_examples: int | None = None

    @property
    def seed(self) -> int:
        """The same one chooses the same programs."""
        return SEED if self.given_seed is None else self.given_seed

    @property
    def examples(self) -> int:
        """Programs that each machine tries."""
        return EXAMPLES if self.given_examples is None else self.given_examples

    @property
    def steps(self) -> int:
        """Steps of each program."""
        return STEPS if self.given_examples is None else LONG_STEPS

    @property
    def given(self) -> dict[str, int]:
        """What was said, by the names of the options."""
        said = {"seed": self.given_seed, "examples": self.given_examples}
        return {name: n for name, n in said.items() if n is not None}

    @property
    def options(self) -> list[str]:
        """The options of the command line that ask for the same."""
        return [
            word
            for name, value in self.given.items()
            for word in (f"--{name}", str(value))
        ]


DEFAULT = Exploration()
"""What is done when nothing is said."""


def from_environment(
    environment: Mapping[str, str] = os.environ,
) -> Exploration:
    """What the environment variables ask for; empty is unset.

    :raises UsageError: one of them is not a number that it can be.
    """
    return Exploration(
        _number(environment, SEED_VARIABLE, least=0),
        _number(environment, EXAMPLES_VARIABLE, least=1),
    )


def said(seed: str | None, examples: str | None) -> Exploration:
    """What the options of the command line ask for.

    :raises UsageError: one of them is not a number that it can be.
    """
    return Exploration(
        None if seed is None else number("--seed", seed, least=0),
        None if examples is None else number("--examples", examples, least=1),
    )


def number(name: str, said: str, least: int) -> int:
    """The number that somebody said.

    :param name: of the option or variable.
    :raises UsageError: it is none, or less than ``least``.
    """
    if not (said.isascii() and said.isdigit() and int(said) >= least):
        raise UsageError(
            f"{name} {said}: write a whole number, {least} or more"
        )
    return int(said)


def _number(
    environment: Mapping[str, str], name: str, *, least: int
) -> int | None:
    said = environment.get(name)
    return number(name, said, least) if said else None
