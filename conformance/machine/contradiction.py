# SPDX-License-Identifier: Apache-2.0
"""What a story finds that should not be so."""

from __future__ import annotations


class Contradiction(AssertionError):
    """The driver and the model do not agree.

    :param kind: what about, by which two of them are taken for the same.
    """

    def __init__(self, kind: str, expected: str, observed: str) -> None:
        super().__init__(f"{expected}; but {observed}")
        self.kind = kind
        self.expected = expected
        self.observed = observed
