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
    return shortened(_Brief().repr(value), 2 * MAX_VALUE)


def shortened(message: str, limit: int = MAX_MESSAGE) -> str:
    """A message without its middle, if it is long."""
    if len(message) <= limit:
        return message
    half = limit // 2
    return f"{message[:half]}...{message[-half:]}"
