"""The tables of an archive, the same on SQLite and PostgreSQL.

What is said about a work is never overwritten: every source has its own rows in `statements`, and the columns of
`works` show the best of them (see `statements.py`). Times are UTC texts as ISO 8601 writes them, so that a row is the
same on every database.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: Facts about the archive itself: when it was made, the last journal entry that is in the database, the last one that
#: changed which pictures stand for works, how often pictures were measured.
FACTS = Table(
    "facts",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

ARTISTS = Table(
    "artists",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

#: One row a work, with or without pictures. `key` is what the catalog or the first file calls it, and stays.
#: `date_first` and `date_last` are astronomical years under the default conventions; None is open or unknown.
WORKS = Table(
    "works",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False, default=""),
    Column("artist_id", Integer, ForeignKey("artists.id"), nullable=True, index=True),
    Column("date_text", Text, nullable=False, default=""),
    Column("date_edtf", Text, nullable=False, default="XXXX"),
    Column("date_kind", String(16), nullable=False, default="unknown"),
    Column("date_first", Integer, nullable=True),
    Column("date_last", Integer, nullable=True),
    Column("medium", Text, nullable=False, default=""),
    Column("place", Text, nullable=False, default=""),
    Column("collection", Text, nullable=False, default=""),
    Column("rights", Text, nullable=False, default=""),
    Column("url", Text, nullable=False, default=""),
    Column("derived", Boolean, nullable=False, default=False),  # made by Vasari from another work
    Column("added", String(32), nullable=False),
    Index(None, "date_first", "date_last"),
)

#: Every statement that anyone made about a work. `kind` is person, catalog, file, name or model; `by` is who.
STATEMENTS = Table(
    "statements",
    METADATA,
    Column("work_id", Integer, ForeignKey("works.id"), primary_key=True),
    Column("field", String(32), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("by", String(200), primary_key=True),
    Column("digest", String(16), primary_key=True),  # of the value: texts of any length make no index
    Column("value", Text, nullable=False),
    Column("confidence", Float, nullable=False, default=1.0),
    Column("at", String(32), nullable=False),
    Index(None, "field", "digest", "kind", "work_id"),  # whole, so that finding works reads no rows
)

#: The plain form of each value that was ever said: what searches compare. Never journaled: it follows from the value.
TERMS = Table(
    "terms",
    METADATA,
    Column("field", String(32), primary_key=True),
    Column("digest", String(16), primary_key=True),
    Column("plain", Text, nullable=False),
    sqlite_with_rowid=False,
)

#: The words of each term, so that a word is found without reading every text.
WORDS = Table(
    "words",
    METADATA,
    Column("word", String(60).with_variant(String(60, collation="C"), "postgresql"), primary_key=True),
    Column("field", String(32), primary_key=True),
    Column("digest", String(16), primary_key=True),
    sqlite_with_rowid=False,
)

#: The words of the names that files had when they came, by the key of the work that they became. Never journaled: it
#: follows from the events.
NAMES = Table(
    "names",
    METADATA,
    Column("word", String(60).with_variant(String(60, collation="C"), "postgresql"), primary_key=True),
    Column("object", Text, primary_key=True),
    sqlite_with_rowid=False,
)

#: One row a page of a picture file. `content` is its SHA-256, with "#page" after it for pages beyond the first.
FILES = Table(
    "files",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("work_id", Integer, ForeignKey("works.id"), nullable=False, index=True),
    Column("path", Text, nullable=False),
    Column("page", Integer, nullable=False, default=0),
    Column("content", String(80), nullable=False, index=True),
    Column("sha256", String(64), nullable=False, index=True),
    Column("bytes", BigInteger, nullable=False),
    Column("modified_ns", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("format", String(16), nullable=False),
    Column("depth", Integer, nullable=False),
    Column("phash", BigInteger, nullable=True, index=True),  # 64 bits, as a signed number
    Column("copied", Boolean, nullable=False, default=False),
    Column("state", String(16), nullable=False, default="present"),
    Column("added", String(32), nullable=False),
    Column("checked", String(32), nullable=False),
    UniqueConstraint("path", "page"),
)

#: Files whose bytes were copied into `masters`, by the path they were read at. Never journaled: without a row a file
#: is read again, and found to be there.
ORIGINS = Table(
    "origins",
    METADATA,
    Column("path", Text, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("modified_ns", BigInteger, nullable=False),
)

#: What was measured of a picture: float32 in little-endian order. Never journaled: it can be measured again.
FEATURES = Table(
    "features",
    METADATA,
    Column("content", String(80), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("version", String(32), primary_key=True),
    Column("vector", LargeBinary, nullable=False),
    Index(None, "name", "version"),
)

#: What Vasari made of a picture, with the whole treatment record.
DERIVATIVES = Table(
    "derivatives",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("content", String(80), nullable=False, index=True),
    Column("source_content", String(80), nullable=False, index=True),
    Column("operation", String(32), nullable=False),
    Column("path", Text, nullable=False),
    Column("treatment", JSON, nullable=False),
    Column("added", String(32), nullable=False),
    UniqueConstraint("content", "source_content"),
)

#: What happened, in the terms of PREMIS 3: type, agent, object, outcome.
EVENTS = Table(
    "events",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", String(32), nullable=False, index=True),
    Column("type", String(40), nullable=False),
    Column("agent", String(200), nullable=False),
    Column("object", Text, nullable=False, index=True),
    Column("outcome", String(16), nullable=False),
    Column("detail", JSON, nullable=False),
)

#: The tables that the journal and exports carry, in an order that foreign keys allow.
JOURNALED = {table.name: table for table in (ARTISTS, WORKS, STATEMENTS, FILES, DERIVATIVES, EVENTS)}
