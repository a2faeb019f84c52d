"""The one set of tables that the workbench remembers in; each file of tables adds its own to it.

None of it is the archive's: it is not in the journal, and an archive without it is whole. Times are seconds since
1970, since leases are reckoned with.
"""

from __future__ import annotations

from sqlalchemy import MetaData

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: Alembic's own table for the workbench, since on PostgreSQL it shares a database with the archive.
VERSION_TABLE = "workbench_version"
