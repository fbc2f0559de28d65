# SPDX-License-Identifier: Apache-2.0
"""The suite that verifies any vendor's driver against the contract."""
