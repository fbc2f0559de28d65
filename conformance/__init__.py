# SPDX-License-Identifier: Apache-2.0
"""The suite that verifies any vendor's driver against the contract."""

from assisted_kit import preflight

# Else a package that hides one of the kit's is found out by an import that
# fails deep inside the suite, and names one of the two.
preflight.check_packages("fakes")
