"""The words of files' names, by which works without a title are found."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql, sqlite

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_AT_ONCE = 2000
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

# Words as `archive/terms.py` made them at this revision: what is changed there later is not for this migration.
_LONGEST_WORD = 60
_MARKS = re.compile("[\u0300-\u036f]")
_SIGNS = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
    | dict.fromkeys("‐‑‒–—−", "-")
    | {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
)
_CHINESE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_CHINESE}]|[^\W_{_CHINESE}]+")


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
    came = sa.select(events).where(events.c.type == "ingestion").order_by(events.c.id).limit(_AT_ONCE)
    insert = _INSERTS[connection.dialect.name](names).on_conflict_do_nothing()  # a picture may come twice by one name
    last = 0
    while rows := connection.execute(came.where(events.c.id > last)).mappings().all():
        named = dict.fromkeys(
            (word, row["object"]) for row in rows for word in _words_of(_file_name(row["detail"].get("path") or ""))
        )
        new = [{"word": word, "object": object} for word, object in named]
        for begin in range(0, len(new), _AT_ONCE):
            connection.execute(insert, new[begin : begin + _AT_ONCE])
        last = rows[-1]["id"]


def downgrade() -> None:
    """Take it away."""
    op.drop_table("names")


def _file_name(origin: str) -> str:
    return PurePath(unquote(urlsplit(origin).path) if "://" in origin else origin).name


def _words_of(text: str) -> list[str]:
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    plain = " ".join(unicodedata.normalize("NFC", bare.casefold()).translate(_SIGNS).split())
    return [word[:_LONGEST_WORD] for word in _WORD.findall(plain)]
