# SPDX-License-Identifier: Apache-2.0
"""Driver conformance for OpenStack Cinder's assisted snapshots."""
