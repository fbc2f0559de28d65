# SPDX-License-Identifier: Apache-2.0
"""A RemoteFS driver with the four hooks, for vendors to learn from.

Read :mod:`reference_driver.driver` first; what it calls is beside it, one
subject a file.
"""
