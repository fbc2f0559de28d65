# SPDX-License-Identifier: Apache-2.0
"""The release before: the part of Cinder 29's schema that the kit uses.

Run only on a database without these tables. On Cinder's own the revision is
recorded without being run, so that nothing of Cinder's is made or dropped.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001_cinder_tables"
down_revision = None
branch_labels = None
depends_on = None

_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8"}


def upgrade() -> None:
    """Make the five tables."""
    op.create_table(
        "volumes",
        sa.Column("created_at", sa.DateTime),
        sa.Column("updated_at", sa.DateTime),
        sa.Column("deleted_at", sa.DateTime),
        sa.Column("deleted", sa.Boolean),
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("_name_id", sa.String(36)),
        sa.Column("display_name", sa.String(255)),
        sa.Column("display_description", sa.String(255)),
        sa.Column("size", sa.Integer),
        sa.Column("status", sa.String(255)),
        sa.Column("previous_status", sa.String(255)),
        sa.Column("attach_status", sa.String(255)),
        sa.Column("migration_status", sa.String(255)),
        sa.Column("provider_location", sa.String(256)),
        sa.Column("provider_id", sa.String(255)),
        sa.Column("provider_auth", sa.String(256)),
        sa.Column("encryption_key_id", sa.String(36)),
        sa.Column("user_id", sa.String(255)),
        sa.Column("project_id", sa.String(255)),
        sa.Column("host", sa.String(255)),
        sa.Column("availability_zone", sa.String(255)),
        sa.Column("bootable", sa.Boolean),
        sa.Column("multiattach", sa.Boolean),
        sa.Column("snapshot_id", sa.String(36)),
        sa.Column("source_volid", sa.String(36)),
        sa.Column("volume_type_id", sa.String(36), nullable=False),
        sa.Column(
            "use_quota", sa.Boolean, nullable=False, server_default=sa.true()
        ),
        sa.Column("launched_at", sa.DateTime),
        sa.Column("terminated_at", sa.DateTime),
        sa.Index("volumes_deleted_project_id_idx", "deleted", "project_id"),
        sa.Index("volumes_deleted_host_idx", "deleted", "host"),
        **_OPTIONS,
    )
    op.create_table(
        "volume_attachment",
        sa.Column("created_at", sa.DateTime),
        sa.Column("updated_at", sa.DateTime),
        sa.Column("deleted_at", sa.DateTime),
        sa.Column("deleted", sa.Boolean),
        sa.Column("id", sa.String(36), primary_key=True),
        _reference("volume_id", "volumes.id"),
        sa.Column("instance_uuid", sa.String(36)),
        sa.Column("attached_host", sa.String(255)),
        sa.Column("mountpoint", sa.String(255)),
        sa.Column("attach_time", sa.DateTime),
        sa.Column("detach_time", sa.DateTime),
        sa.Column("attach_status", sa.String(255)),
        sa.Column("attach_mode", sa.String(36)),
        sa.Column("connection_info", sa.Text),
        sa.Column("connector", sa.Text),
        **_OPTIONS,
    )
    op.create_table(
        "volume_admin_metadata",
        sa.Column("created_at", sa.DateTime),
        sa.Column("updated_at", sa.DateTime),
        sa.Column("deleted_at", sa.DateTime),
        sa.Column("deleted", sa.Boolean),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(255)),
        sa.Column("value", sa.String(255)),
        _reference("volume_id", "volumes.id"),
        **_OPTIONS,
    )
    op.create_table(
        "snapshots",
        sa.Column("created_at", sa.DateTime),
        sa.Column("updated_at", sa.DateTime),
        sa.Column("deleted_at", sa.DateTime),
        sa.Column("deleted", sa.Boolean),
        sa.Column("id", sa.String(36), primary_key=True),
        _reference("volume_id", "volumes.id", "snapshots_volume_id_fkey"),
        sa.Column("status", sa.String(255)),
        sa.Column("progress", sa.String(255)),
        sa.Column("volume_size", sa.Integer),
        sa.Column("display_name", sa.String(255)),
        sa.Column("display_description", sa.String(255)),
        sa.Column("provider_location", sa.String(255)),
        sa.Column("provider_id", sa.String(255)),
        sa.Column("provider_auth", sa.String(255)),
        sa.Column("encryption_key_id", sa.String(36)),
        sa.Column("user_id", sa.String(255)),
        sa.Column("project_id", sa.String(255)),
        sa.Column("volume_type_id", sa.String(36), nullable=False),
        sa.Column(
            "use_quota", sa.Boolean, nullable=False, server_default=sa.true()
        ),
        sa.Index("snapshots_deleted_project_id_idx", "deleted", "project_id"),
        **_OPTIONS,
    )
    op.create_table(
        "snapshot_metadata",
        sa.Column("created_at", sa.DateTime),
        sa.Column("updated_at", sa.DateTime),
        sa.Column("deleted_at", sa.DateTime),
        sa.Column("deleted", sa.Boolean),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(255)),
        sa.Column("value", sa.String(255)),
        _reference("snapshot_id", "snapshots.id"),
        **_OPTIONS,
    )


def downgrade() -> None:
    """Drop them; the caller has made sure that they are empty."""
    for table in (
        "snapshot_metadata",
        "snapshots",
        "volume_admin_metadata",
        "volume_attachment",
        "volumes",
    ):
        op.drop_table(table)


def _reference(
    name: str, target: str, constraint: str | None = None
) -> sa.Column[str]:
    return sa.Column(
        name,
        sa.String(36),
        sa.ForeignKey(target, name=constraint),
        nullable=False,
        index=True,
    )
