"""Plain forms of values and their words, for queries and search; an index that finds works by what is said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vasari.archive.terms import term_rows

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_AT_ONCE = 2000
_INDEX = "ix_statements_field_digest_kind_work_id"


def upgrade() -> None:
    """Make the tables, and fill them from what was said before."""
    terms = op.create_table(
        "terms",
        sa.Column("field", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(16), nullable=False),
        sa.Column("plain", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("field", "digest", name="pk_terms"),
        sqlite_with_rowid=False,
    )
    words = op.create_table(
        "words",
        sa.Column("word", sa.String(60).with_variant(sa.String(60, collation="C"), "postgresql"), nullable=False),
        sa.Column("field", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("word", "field", "digest", name="pk_words"),
        sqlite_with_rowid=False,
    )
    op.drop_index("ix_statements_field_digest", table_name="statements")
    op.create_index(_INDEX, "statements", ["field", "digest", "kind", "work_id"])
    _fill(terms, words)


def _fill(terms: sa.Table, words: sa.Table) -> None:
    connection = op.get_bind()
    field, digest, value = (sa.column(name, sa.Text()) for name in ("field", "digest", "value"))
    said = sa.select(field, digest, sa.func.max(value).label("value")).select_from(sa.table("statements"))
    said = said.group_by(field, digest).order_by(field, digest).limit(_AT_ONCE)
    last = ("", "")
    while rows := connection.execute(said.where(sa.tuple_(field, digest) > sa.tuple_(*last))).mappings().all():
        for table, new in zip((terms, words), term_rows(dict(row) for row in rows), strict=True):
            if new:
                connection.execute(sa.insert(table), new)
        last = (rows[-1]["field"], rows[-1]["digest"])


def downgrade() -> None:
    """Take the tables away again."""
    op.drop_index(_INDEX, table_name="statements")
    op.create_index("ix_statements_field_digest", "statements", ["field", "digest"])
    op.drop_table("words")
    op.drop_table("terms")
