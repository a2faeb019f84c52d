"""The tables of accounts, their sessions and tokens, failed log-ins, and the audit of who did what."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Integer, String, Table, Text

from vasari.archive.workbench.metadata import METADATA

#: `password` is argon2's text, which names its own parameters and salt.
ACCOUNTS = Table(
    "workbench_accounts",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("password", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created", Float, nullable=False),
)

#: `digest` is the SHA-256 of the secret in the cookie: who reads the database cannot go in with it.
SESSIONS = Table(
    "workbench_sessions",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("account", String(64), ForeignKey("workbench_accounts.name"), nullable=False, index=True),
    Column("agent", String(200), nullable=False),
    Column("created", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("ends", Float, nullable=False, index=True),
)

#: Tokens of programs. `hint` is the first letters of the secret, by which people know it again.
TOKENS = Table(
    "workbench_tokens",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("account", String(64), ForeignKey("workbench_accounts.name"), nullable=False, index=True),
    Column("label", String(100), nullable=False),
    Column("hint", String(16), nullable=False),
    Column("role", String(16), nullable=False),
    Column("created", Float, nullable=False),
    Column("used", Float, nullable=True),
    Column("ends", Float, nullable=True),
)

#: One row an account or an address that failed to log in of late; `until` is when it may try again.
ATTEMPTS = Table(
    "workbench_attempts",
    METADATA,
    Column("subject", String(200), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("until", Float, nullable=False),
    Column("last", Float, nullable=False, index=True),
)

#: What happened, in order; nothing here is ever changed.
AUDIT = Table(
    "workbench_audit",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("who", String(200), nullable=False, index=True),
    Column("address", String(64), nullable=False),
    Column("event", String(40), nullable=False, index=True),
    Column("object", Text, nullable=False),
    Column("detail", JSON, nullable=False),
)
