# SPDX-License-Identifier: Apache-2.0
"""What the kit finds in Cinder 29's own drivers, as it could be filed.

``python -m conformance.cinder_report`` judges the drivers, runs the program
of each finding, and writes ``docs/cinder-29.rst``.
"""
