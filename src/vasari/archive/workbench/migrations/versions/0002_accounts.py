"""Accounts, sessions, tokens, failed log-ins and the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "workbench_accounts",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_workbench_accounts"),
    )
    _make_sessions_and_tokens()
    op.create_table(
        "workbench_attempts",
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("last", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_workbench_attempts"),
    )
    op.create_index("ix_workbench_attempts_last", "workbench_attempts", ["last"])
    op.create_table(
        "workbench_audit",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("object", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workbench_audit"),
    )
    for column in ("at", "who", "event"):
        op.create_index(f"ix_workbench_audit_{column}", "workbench_audit", [column])


def _make_sessions_and_tokens() -> None:
    op.create_table(
        "workbench_sessions",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
        sa.Column("ends", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_workbench_sessions"),
        sa.ForeignKeyConstraint(
            ["account"], ["workbench_accounts.name"], name="fk_workbench_sessions_account_workbench_accounts"
        ),
    )
    op.create_index("ix_workbench_sessions_account", "workbench_sessions", ["account"])
    op.create_index("ix_workbench_sessions_ends", "workbench_sessions", ["ends"])
    op.create_table(
        "workbench_tokens",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("used", sa.Float, nullable=True),
        sa.Column("ends", sa.Float, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_workbench_tokens"),
        sa.UniqueConstraint("digest", name="uq_workbench_tokens_digest"),
        sa.ForeignKeyConstraint(
            ["account"], ["workbench_accounts.name"], name="fk_workbench_tokens_account_workbench_accounts"
        ),
    )
    op.create_index("ix_workbench_tokens_account", "workbench_tokens", ["account"])


def downgrade() -> None:
    """Take the tables away again."""
    for table in ("audit", "attempts", "tokens", "sessions", "accounts"):
        op.drop_table(f"workbench_{table}")
