# SPDX-License-Identifier: Apache-2.0
"""Cinder's RemoteFS drivers with the four hooks, by a mixin.

::

    class MigratedNfsDriver(AssistedSnapshots, nfs.NfsDriver): ...

:class:`~reference_driver.migrated.hooks.AssistedSnapshots` cuts upstream's
``create_snapshot`` and ``delete_snapshot`` where they would call Nova.  What
upstream itself gets wrong is mended by classes of their own, each of which
names the defect and can be left out when upstream has mended it.
"""
