"""The tables of jobs and of what people sent in."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from vasari.archive.workbench.metadata import METADATA

#: One row a job. `id` begins with the time, so that ids sort as jobs came. `key` says what the job is, so that the same
#: work is never done twice. `lease` is a secret of the worker that has it: a report with another is refused.
#: `version` grows by one with every change.
JOBS = Table(
    "workbench_jobs",
    METADATA,
    Column("id", String(24), primary_key=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("operation", String(32), nullable=False),
    Column("fields", JSON, nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("owner", String(200), nullable=False, index=True),
    Column("priority", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("attempts_allowed", Integer, nullable=False),
    Column("not_before", Float, nullable=False),
    Column("lease", String(32), nullable=True),
    Column("lease_until", Float, nullable=True),
    Column("worker", String(200), nullable=False),
    Column("cancel_wanted", Boolean, nullable=False),
    Column("done", Float, nullable=False),
    Column("total", Float, nullable=False),
    Column("words", Text, nullable=False),
    Column("result", JSON, nullable=False),
    Column("error", JSON, nullable=False),
    Column("created", Float, nullable=False),
    Column("started", Float, nullable=True),
    Column("ended", Float, nullable=True),
    Column("changed", Float, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Index(None, "state", "priority", "id"),
)

#: One row a file that was sent in, examined and found whole, and a name that it was sent under; `sha256` names its
#: folder among the uploads.
UPLOADS = Table(
    "workbench_uploads",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("suffix", String(16), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("format", String(16), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("owner", String(200), nullable=False),
    Column("created", Float, nullable=False, index=True),
)
