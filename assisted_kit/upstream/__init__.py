# SPDX-License-Identifier: Apache-2.0
"""Whether Cinder and Nova still are what the rules take them for.

Nothing of theirs is imported: their source is read where it is installed.
"""
