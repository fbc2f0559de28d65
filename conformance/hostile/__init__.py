# SPDX-License-Identifier: Apache-2.0
"""What somebody may put on a share or send, all of which is refused.

The cases are data, each with a name (contract sections 2, 3, 7 and 8)::

    backing_files   names in a header that lead elsewhere, and formats
    images          headers that lie, other formats, what is no image
    info_files      info files that are damaged or name what they may not
    updates         model updates of hooks
    api_bodies      bodies of os-update_snapshot_status

``python -m conformance.hostile`` counts them.  Every image is made here, by
hand or by ``qemu-img`` with explicit options, and never by the driver's
code.
"""
