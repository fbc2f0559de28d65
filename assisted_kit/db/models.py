# SPDX-License-Identifier: Apache-2.0
"""The tables that the kit reads and writes, as Cinder 29 has them.

A column has Cinder's name, type, length and nullability, so that the same
classes work on the kit's own database and on a real Cinder's. Columns that
the kit has no use for are left out; Cinder lets all of them be null.
``snapshot_admin_metadata`` and ``snapshot_claims`` are this project's
addition (contract, sections 4 and 6).

As in Cinder a row is deleted by marking it (``deleted``, ``deleted_at``).
A relationship to metadata or attachments shows rows that are not marked;
``Volume.snapshots`` shows all of them. A claim is the exception: releasing
it removes the row.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from oslo_db.sqlalchemy import models as oslo_models
from sqlalchemy import orm
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

VOLUME_NAME = "volume-%s"
SNAPSHOT_NAME = "snapshot-%s"

# The key columns of Cinder's tables are utf8 on MySQL, and a foreign key
# has to agree with what it references.
_TABLE_OPTIONS = {"mysql_engine": "InnoDB", "mysql_charset": "utf8"}


class Base(orm.DeclarativeBase):
    """Registry and metadata of the kit's tables."""

    # SQLAlchemy promises less here: its models may be mapped to a query.
    __table__: ClassVar[sa.Table]


class Row(oslo_models.TimestampMixin, oslo_models.ModelBase):  # type: ignore[misc]
    """What every row has: item access, ``created_at``, ``updated_at``."""

    __table_args__: object = _TABLE_OPTIONS


class MarkedDeleted:
    """Columns of a row that is deleted by marking it."""

    deleted_at: Mapped[datetime | None] = mapped_column(sa.DateTime)
    deleted: Mapped[bool | None] = mapped_column(sa.Boolean, default=False)


class Volume(Row, MarkedDeleted, Base):
    """A volume. ``size`` is in GiB; ``volume_type_id`` is required."""

    __tablename__ = "volumes"
    __table_args__ = (
        sa.Index("volumes_deleted_project_id_idx", "deleted", "project_id"),
        sa.Index("volumes_deleted_host_idx", "deleted", "host"),
        _TABLE_OPTIONS,
    )

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    _name_id: Mapped[str | None] = mapped_column(sa.String(36))
    display_name: Mapped[str | None] = mapped_column(sa.String(255))
    display_description: Mapped[str | None] = mapped_column(sa.String(255))
    size: Mapped[int | None] = mapped_column(sa.Integer)
    status: Mapped[str | None] = mapped_column(sa.String(255))
    previous_status: Mapped[str | None] = mapped_column(sa.String(255))
    attach_status: Mapped[str | None] = mapped_column(sa.String(255))
    migration_status: Mapped[str | None] = mapped_column(sa.String(255))
    provider_location: Mapped[str | None] = mapped_column(sa.String(256))
    provider_id: Mapped[str | None] = mapped_column(sa.String(255))
    provider_auth: Mapped[str | None] = mapped_column(sa.String(256))
    encryption_key_id: Mapped[str | None] = mapped_column(sa.String(36))
    user_id: Mapped[str | None] = mapped_column(sa.String(255))
    project_id: Mapped[str | None] = mapped_column(sa.String(255))
    host: Mapped[str | None] = mapped_column(sa.String(255))
    availability_zone: Mapped[str | None] = mapped_column(sa.String(255))
    bootable: Mapped[bool | None] = mapped_column(sa.Boolean, default=False)
    multiattach: Mapped[bool | None] = mapped_column(sa.Boolean, default=False)
    snapshot_id: Mapped[str | None] = mapped_column(sa.String(36))
    source_volid: Mapped[str | None] = mapped_column(sa.String(36))
    volume_type_id: Mapped[str] = mapped_column(sa.String(36))
    use_quota: Mapped[bool] = mapped_column(
        sa.Boolean, default=True, server_default=sa.true()
    )
    launched_at: Mapped[datetime | None] = mapped_column(sa.DateTime)
    terminated_at: Mapped[datetime | None] = mapped_column(sa.DateTime)

    volume_attachment: Mapped[list[VolumeAttachment]] = orm.relationship(
        back_populates="volume",
        primaryjoin="and_(VolumeAttachment.volume_id == Volume.id,"
        " VolumeAttachment.deleted == False)",
    )
    volume_admin_metadata: Mapped[list[VolumeAdminMetadata]] = (
        orm.relationship(
            back_populates="volume",
            primaryjoin="and_(VolumeAdminMetadata.volume_id == Volume.id,"
            " VolumeAdminMetadata.deleted == False)",
        )
    )
    snapshots: Mapped[list[Snapshot]] = orm.relationship(
        back_populates="volume"
    )

    @property
    def name_id(self) -> str:
        """The id that names the storage: a migrated volume keeps its own."""
        return self._name_id or self.id

    @name_id.setter
    def name_id(self, value: str | None) -> None:
        self._name_id = value

    @property
    def name(self) -> str:
        """Name on the storage; Cinder's default ``volume_name_template``."""
        return VOLUME_NAME % self.name_id


class VolumeAttachment(Row, MarkedDeleted, Base):
    """One use of a volume. The last two columns are JSON documents."""

    __tablename__ = "volume_attachment"

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    volume_id: Mapped[str] = mapped_column(
        sa.String(36), sa.ForeignKey("volumes.id"), index=True
    )
    instance_uuid: Mapped[str | None] = mapped_column(sa.String(36))
    attached_host: Mapped[str | None] = mapped_column(sa.String(255))
    mountpoint: Mapped[str | None] = mapped_column(sa.String(255))
    attach_time: Mapped[datetime | None] = mapped_column(sa.DateTime)
    detach_time: Mapped[datetime | None] = mapped_column(sa.DateTime)
    attach_status: Mapped[str | None] = mapped_column(sa.String(255))
    attach_mode: Mapped[str | None] = mapped_column(sa.String(36))
    connection_info: Mapped[str | None] = mapped_column(sa.Text)
    connector: Mapped[str | None] = mapped_column(sa.Text)

    volume: Mapped[Volume] = orm.relationship(
        back_populates="volume_attachment"
    )


class VolumeAdminMetadata(Row, MarkedDeleted, Base):
    """A fact about a volume that tenants don't see, such as ``format``."""

    __tablename__ = "volume_admin_metadata"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    key: Mapped[str | None] = mapped_column(sa.String(255))
    value: Mapped[str | None] = mapped_column(sa.String(255))
    volume_id: Mapped[str] = mapped_column(
        sa.String(36), sa.ForeignKey("volumes.id"), index=True
    )

    volume: Mapped[Volume] = orm.relationship(
        back_populates="volume_admin_metadata"
    )


class Snapshot(Row, MarkedDeleted, Base):
    """A snapshot. ``volume_size`` is in GiB; the type id is required."""

    __tablename__ = "snapshots"
    __table_args__ = (
        sa.Index("snapshots_deleted_project_id_idx", "deleted", "project_id"),
        _TABLE_OPTIONS,
    )

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    volume_id: Mapped[str] = mapped_column(
        sa.String(36),
        sa.ForeignKey("volumes.id", name="snapshots_volume_id_fkey"),
        index=True,
    )
    status: Mapped[str | None] = mapped_column(sa.String(255))
    progress: Mapped[str | None] = mapped_column(sa.String(255))
    volume_size: Mapped[int | None] = mapped_column(sa.Integer)
    display_name: Mapped[str | None] = mapped_column(sa.String(255))
    display_description: Mapped[str | None] = mapped_column(sa.String(255))
    provider_location: Mapped[str | None] = mapped_column(sa.String(255))
    provider_id: Mapped[str | None] = mapped_column(sa.String(255))
    provider_auth: Mapped[str | None] = mapped_column(sa.String(255))
    encryption_key_id: Mapped[str | None] = mapped_column(sa.String(36))
    user_id: Mapped[str | None] = mapped_column(sa.String(255))
    project_id: Mapped[str | None] = mapped_column(sa.String(255))
    volume_type_id: Mapped[str] = mapped_column(sa.String(36))
    use_quota: Mapped[bool] = mapped_column(
        sa.Boolean, default=True, server_default=sa.true()
    )

    volume: Mapped[Volume] = orm.relationship(back_populates="snapshots")
    snapshot_metadata: Mapped[list[SnapshotMetadata]] = orm.relationship(
        back_populates="snapshot",
        primaryjoin="and_(SnapshotMetadata.snapshot_id == Snapshot.id,"
        " SnapshotMetadata.deleted == False)",
    )
    snapshot_admin_metadata: Mapped[list[SnapshotAdminMetadata]] = (
        orm.relationship(
            back_populates="snapshot",
            primaryjoin="and_("
            "SnapshotAdminMetadata.snapshot_id == Snapshot.id,"
            " SnapshotAdminMetadata.deleted == False)",
        )
    )

    @property
    def name(self) -> str:
        """Name on the storage; Cinder's ``snapshot_name_template``."""
        return SNAPSHOT_NAME % self.id

    @property
    def volume_name(self) -> str:
        """The volume's name on the storage, as drivers ask for it."""
        return self.volume.name


class SnapshotMetadata(Row, MarkedDeleted, Base):
    """A key and value that the snapshot's tenant sees."""

    __tablename__ = "snapshot_metadata"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    key: Mapped[str | None] = mapped_column(sa.String(255))
    value: Mapped[str | None] = mapped_column(sa.String(255))
    snapshot_id: Mapped[str] = mapped_column(
        sa.String(36), sa.ForeignKey("snapshots.id"), index=True
    )

    snapshot: Mapped[Snapshot] = orm.relationship(
        back_populates="snapshot_metadata"
    )


class SnapshotAdminMetadata(Row, MarkedDeleted, Base):
    """A fact about a snapshot that tenants don't see (contract, section 6).

    A snapshot has a key once, marked rows included: removing a key marks
    its row, setting it again revives that row.
    """

    __tablename__ = "snapshot_admin_metadata"
    __table_args__ = (
        sa.UniqueConstraint(
            "snapshot_id",
            "key",
            name="uniq_snapshot_admin_metadata0snapshot_id0key",
        ),
        _TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    # A null key would escape the unique constraint.
    key: Mapped[str] = mapped_column(sa.String(255))
    value: Mapped[str | None] = mapped_column(sa.String(255))
    volume_id: Mapped[str] = mapped_column(
        sa.String(36), sa.ForeignKey("volumes.id"), index=True
    )
    snapshot_id: Mapped[str] = mapped_column(
        sa.String(36), sa.ForeignKey("snapshots.id")
    )

    volume: Mapped[Volume] = orm.relationship()
    snapshot: Mapped[Snapshot] = orm.relationship(
        back_populates="snapshot_admin_metadata"
    )


class SnapshotClaim(Row, Base):
    """Who works on a volume's chain; one row per volume (section 4).

    ``snapshot_id`` is the snapshot whose create or delete holds the chain,
    null for any other operation. The row exists as long as the claim does.
    """

    __tablename__ = "snapshot_claims"

    volume_id: Mapped[str] = mapped_column(
        sa.String(36), sa.ForeignKey("volumes.id"), primary_key=True
    )
    owner: Mapped[str] = mapped_column(sa.String(255))
    snapshot_id: Mapped[str | None] = mapped_column(sa.String(36))

    volume: Mapped[Volume] = orm.relationship()
