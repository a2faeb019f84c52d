"""The words of files' names, by which works without a title are found."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from vasari.archive.file_names import INGESTED, name_rows

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_AT_ONCE = 2000


def upgrade() -> None:
    """Make the table, and fill it from what happened before."""
    names = op.create_table(
        "names",
        sa.Column("word", sa.String(60).with_variant(sa.String(60, collation="C"), "postgresql"), nullable=False),
        sa.Column("object", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("word", "object", name="pk_names"),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    kinds: dict[str, sa.types.TypeEngine[Any]] = {
        "id": sa.Integer(),
        "type": sa.Text(),
        "object": sa.Text(),
        "detail": sa.JSON(),
    }
    events = sa.table("events", *(sa.column(name, kind) for name, kind in kinds.items()))
    came = sa.select(events).where(events.c.type == INGESTED).order_by(events.c.id).limit(_AT_ONCE)
    last = 0
    made: set[tuple[str, str]] = set()  # a picture that came twice by one name has its words already
    while rows := connection.execute(came.where(events.c.id > last)).mappings().all():
        new = [row for row in name_rows(dict(row) for row in rows) if (row["word"], row["object"]) not in made]
        made.update((row["word"], row["object"]) for row in new)
        if new:
            connection.execute(sa.insert(names), new)
        last = rows[-1]["id"]


def downgrade() -> None:
    """Take it away."""
    op.drop_table("names")
