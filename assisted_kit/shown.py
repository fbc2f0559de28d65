# SPDX-License-Identifier: Apache-2.0
"""Values from elsewhere as messages show them: short, whatever they are."""

from __future__ import annotations

import reprlib

MAX_VALUE = 120
MAX_MESSAGE = 500
"""Characters."""


class _Brief(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = MAX_VALUE

    def repr_int(self, x: int, level: int) -> str:
        try:
            return super().repr_int(x, level)
        except ValueError:
            # Python does not convert more than some 4300 digits.
            return f"<an integer of {x.bit_length()} bits>"


def brief(value: object) -> str:
    """Like ``repr``, and neither long nor ever an error."""
    return _Brief().repr(value)


def shortened(message: str) -> str:
    """A message without its middle, if it is long."""
    if len(message) <= MAX_MESSAGE:
        return message
    half = MAX_MESSAGE // 2
    return f"{message[:half]}...{message[-half:]}"
