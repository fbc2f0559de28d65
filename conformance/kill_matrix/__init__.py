# SPDX-License-Identifier: Apache-2.0
"""Which rules each broken driver fails: all rules on all of them.

``python -m conformance.kill_matrix`` runs what has changed since it last ran,
and writes down what it found in ``matrix.json`` and ``docs/kill-matrix.rst``.
"""
