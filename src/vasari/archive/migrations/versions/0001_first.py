"""The first tables: works, statements, files, features, derivatives, events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "facts",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_facts"),
    )
    op.create_table(
        "artists",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_artists"),
        sa.UniqueConstraint("name", name="uq_artists_name"),
    )
    _works()
    _statements()
    _files()
    _derived()


def _works() -> None:
    op.create_table(
        "works",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("artist_id", sa.Integer, nullable=True),
        sa.Column("date_text", sa.Text, nullable=False),
        sa.Column("date_edtf", sa.Text, nullable=False),
        sa.Column("date_kind", sa.String(16), nullable=False),
        sa.Column("date_first", sa.Integer, nullable=True),
        sa.Column("date_last", sa.Integer, nullable=True),
        sa.Column("medium", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("collection", sa.Text, nullable=False),
        sa.Column("rights", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("derived", sa.Boolean, nullable=False),
        sa.Column("added", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_works"),
        sa.ForeignKeyConstraint(["artist_id"], ["artists.id"], name="fk_works_artist_id_artists"),
        sa.UniqueConstraint("key", name="uq_works_key"),
    )
    op.create_index("ix_works_artist_id", "works", ["artist_id"])
    op.create_index("ix_works_date_first_date_last", "works", ["date_first", "date_last"])


def _statements() -> None:
    op.create_table(
        "statements",
        sa.Column("work_id", sa.Integer, nullable=False),
        sa.Column("field", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(16), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("work_id", "field", "kind", "by", "digest", name="pk_statements"),
        sa.ForeignKeyConstraint(["work_id"], ["works.id"], name="fk_statements_work_id_works"),
    )
    op.create_index("ix_statements_field_digest", "statements", ["field", "digest"])


def _files() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("work_id", sa.Integer, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("page", sa.Integer, nullable=False),
        sa.Column("content", sa.String(80), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("modified_ns", sa.BigInteger, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("phash", sa.BigInteger, nullable=True),
        sa.Column("copied", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("added", sa.String(32), nullable=False),
        sa.Column("checked", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.ForeignKeyConstraint(["work_id"], ["works.id"], name="fk_files_work_id_works"),
        sa.UniqueConstraint("path", "page", name="uq_files_path_page"),
    )
    for column in ("work_id", "content", "sha256", "phash"):
        op.create_index(f"ix_files_{column}", "files", [column])


def _derived() -> None:
    op.create_table(
        "features",
        sa.Column("content", sa.String(80), nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("content", "name", "version", name="pk_features"),
    )
    op.create_index("ix_features_name_version", "features", ["name", "version"])
    op.create_table(
        "derivatives",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content", sa.String(80), nullable=False),
        sa.Column("source_content", sa.String(80), nullable=False),
        sa.Column("operation", sa.String(32), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("treatment", sa.JSON, nullable=False),
        sa.Column("added", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_derivatives"),
        sa.UniqueConstraint("content", "source_content", name="uq_derivatives_content_source_content"),
    )
    op.create_index("ix_derivatives_content", "derivatives", ["content"])
    op.create_index("ix_derivatives_source_content", "derivatives", ["source_content"])
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.Column("object", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index("ix_events_object", "events", ["object"])


def downgrade() -> None:
    """Take the tables away again."""
    for table in ("events", "derivatives", "features", "files", "statements", "works", "artists", "facts"):
        op.drop_table(table)
