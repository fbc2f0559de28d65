# SPDX-License-Identifier: Apache-2.0
"""Run revisions on the connection that the caller has opened.

Alembic executes this file; it can't be imported by anybody else. Logging
is the application's business and is left alone.
"""

from __future__ import annotations

from alembic import context

from assisted_kit.db import models

_attributes = context.config.attributes

context.configure(
    connection=_attributes["connection"],
    version_table=_attributes["version_table"],
    target_metadata=models.Base.metadata,
)
with context.begin_transaction():
    context.run_migrations()
