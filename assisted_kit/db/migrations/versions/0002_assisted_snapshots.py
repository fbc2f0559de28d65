# SPDX-License-Identifier: Apache-2.0
"""Assisted snapshots: admin metadata and claims (contract, 4 and 6).

Adds two tables and touches no other, so that it applies to a Cinder
database as well as to the kit's own.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002_assisted_snapshots"
down_revision = "0001_cinder_tables"
branch_labels = None
depends_on = None

_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8"}


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "snapshot_admin_metadata",
        sa.Column("created_at", sa.DateTime),
        sa.Column("updated_at", sa.DateTime),
        sa.Column("deleted_at", sa.DateTime),
        sa.Column("deleted", sa.Boolean),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("value", sa.String(255)),
        sa.Column(
            "volume_id",
            sa.String(36),
            sa.ForeignKey("volumes.id"),
            nullable=False,
            index=True,
        ),
        sa.Column(
            "snapshot_id",
            sa.String(36),
            sa.ForeignKey("snapshots.id"),
            nullable=False,
        ),
        sa.UniqueConstraint(
            "snapshot_id",
            "key",
            name="uniq_snapshot_admin_metadata0snapshot_id0key",
        ),
        **_OPTIONS,
    )
    op.create_table(
        "snapshot_claims",
        sa.Column("created_at", sa.DateTime),
        sa.Column("updated_at", sa.DateTime),
        sa.Column(
            "volume_id",
            sa.String(36),
            sa.ForeignKey("volumes.id"),
            primary_key=True,
        ),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("snapshot_id", sa.String(36)),
        **_OPTIONS,
    )


def downgrade() -> None:
    """Drop them; the caller has made sure that nothing is in flight."""
    op.drop_table("snapshot_claims")
    op.drop_table("snapshot_admin_metadata")
