# SPDX-License-Identifier: Apache-2.0
"""What the database raises, and how long a step then waits.

Nothing is lost when a step fails for the database: what has been done is
stored, and hooks are re-entrant (contract section 4).
"""

from __future__ import annotations

import sqlalchemy as sa
from oslo_db import exception as db_exception

DATABASE_ERRORS = (db_exception.DBError, sa.exc.SQLAlchemyError)
"""Everything that the database raises."""

PASSING_ERRORS = (
    db_exception.DBConnectionError,
    db_exception.DBDeadlock,
    sa.exc.OperationalError,
    sa.exc.TimeoutError,
)
"""Of these, what the same statement may not meet again."""

RETRY_AFTER = 1.0
"""Seconds until a step that the database did not let through runs again."""
