"""What Alembic runs: the workbench's migrations over a connection that is given."""

from __future__ import annotations

from alembic import context

from vasari.archive.workbench.metadata import METADATA, VERSION_TABLE

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
