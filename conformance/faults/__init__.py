# SPDX-License-Identifier: Apache-2.0
"""The fault matrix: everything that goes wrong, wherever it goes wrong.

``matrix`` has its columns and which values of them meet, ``expectations``
what the contract demands then, ``pairing`` the rows of a run by default;
the rest carries a row out.
"""
