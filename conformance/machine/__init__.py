# SPDX-License-Identifier: Apache-2.0
"""The state machine: any operations in any order, against a model.

What it finds it saves as a program of steps, which a :class:`Story` tells.
"""

from conformance.machine.story import Story as Story
