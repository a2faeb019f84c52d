"""The same content sent in under several names: a row for each."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = "pk_workbench_uploads"


def upgrade() -> None:
    """Let a content have several names."""
    _keyed_by("sha256", "name")


def downgrade() -> None:
    """Keep the first name of each content."""
    op.execute(
        "DELETE FROM workbench_uploads WHERE name > "
        "(SELECT min(other.name) FROM workbench_uploads AS other WHERE other.sha256 = workbench_uploads.sha256)"
    )
    _keyed_by("sha256")


def _keyed_by(*columns: str) -> None:
    with op.batch_alter_table("workbench_uploads") as table:  # SQLite copies the table
        table.drop_constraint(_KEY, type_="primary")
        table.create_primary_key(_KEY, list(columns))
