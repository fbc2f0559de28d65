# SPDX-License-Identifier: Apache-2.0
"""Sphinx's configuration."""

from importlib import metadata

project = "Assisted Kit"
author = "The Assisted Kit authors"
release = metadata.version("assisted-kit")

exclude_patterns = ["_build"]
html_theme = "alabaster"
html_show_copyright = False
