# SPDX-License-Identifier: Apache-2.0
"""A real Cinder's database, in a process of its own.

Cinder brings eventlet and a global configuration, which stay out of the
tests' process::

    python cinder_database.py columns        the tables that models.py has
    python cinder_database.py make FILE      Cinder's migrations, and rows
    python cinder_database.py read FILE      what Cinder sees of the rows
    python cinder_database.py purge FILE     remove the rows marked deleted

Answers are JSON on standard output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

needs_cinder = pytest.mark.skipif(
    util.find_spec("cinder") is None,
    reason="the package cinder is not installed (extra 'cinder')",
)

VOLUME = "11111111-1111-4111-8111-111111111111"
SNAPSHOT = "22222222-2222-4222-8222-222222222222"
TYPE = "33333333-3333-4333-8333-333333333333"


def ask_cinder(question, *arguments):
    """Run this file in another process, and return its answer."""
    done = subprocess.run(
        [sys.executable, __file__, question, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def columns(models, tables):
    """Describe columns so that two sets of models can be compared."""
    return {
        name: {
            column.name: [
                type(column.type).__name__,
                getattr(column.type, "length", None),
                column.nullable,
                column.primary_key,
                sorted(key.target_fullname for key in column.foreign_keys),
                _plain_default(column),
                column.server_default is not None,
            ]
            for column in models.metadata.tables[name].columns
        }
        for name in tables
    }


def _plain_default(column):
    default = column.default
    return default.arg if default is not None and default.is_scalar else None


def _context(file):
    from cinder import context
    from cinder import objects
    from cinder.common import config  # noqa: F401 - declares state_path
    from cinder.db import migration
    from oslo_config import cfg

    cfg.CONF([], project="cinder", default_config_files=[])
    cfg.CONF.set_override("connection", f"sqlite:///{file}", "database")
    cfg.CONF.set_override("state_path", str(Path(file).parent))
    objects.register_all()
    return context.get_admin_context(), migration


def _make(file):
    context, migration = _context(file)
    migration.db_sync()
    from cinder.db import api

    api.volume_create(
        context,
        {
            "id": VOLUME,
            "size": 1,
            "status": "in-use",
            "attach_status": "attached",
            "volume_type_id": TYPE,
            "project_id": "ab",
            "metadata": {"colour": "red"},
            "admin_metadata": {"format": "raw"},
        },
    )
    api.volume_attach(
        context,
        {"volume_id": VOLUME, "attach_status": "attached", "connector": "{}"},
    )
    api.snapshot_create(
        context,
        {
            "id": SNAPSHOT,
            "volume_id": VOLUME,
            "volume_size": 1,
            "status": "available",
            "progress": "100%",
            "volume_type_id": TYPE,
            "project_id": "ab",
            "metadata": {"purpose": "backup"},
        },
    )
    api.service_create(
        context, {"host": "h@b", "binary": "cinder-volume", "topic": "t"}
    )
    return migration.db_version()


def _read(file):
    context, _ = _context(file)
    from cinder.objects import snapshot

    return [
        {
            "id": found.id,
            "name": found.name,
            "volume_name": found.volume_name,
            "status": found.status,
            "metadata": found.metadata,
            "volume admin metadata": found.volume.admin_metadata,
            "attachments": [
                attachment.id for attachment in found.volume.volume_attachment
            ],
            "use_quota": found.use_quota,
        }
        for found in snapshot.SnapshotList.get_all(context, {})
    ]


def _purge(file):
    context, _ = _context(file)
    from cinder.db import api

    api.purge_deleted_rows(context, age_in_days=0)
    return "purged"


def _columns():
    from cinder.db import models

    return columns(models.BASE, models.BASE.metadata.tables)


if __name__ == "__main__":
    answers = {
        "columns": _columns,
        "make": _make,
        "read": _read,
        "purge": _purge,
    }
    print(json.dumps(answers[sys.argv[1]](*sys.argv[2:])))  # noqa: T201
