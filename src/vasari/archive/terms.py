"""Values as searches compare them: without case and accents, names in speaking order, cut into words.

The plain forms are kept beside the statements, made by this one file, so that SQLite and PostgreSQL find the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST_WORD = 60  # characters; the rest of a longer one is not compared

_MARKS = re.compile("[\u0300-\u036f]")
_SIGNS = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
    | dict.fromkeys("‐‑‒–—−", "-")
    | {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
)
_CHINESE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
#: A word: letters and digits together; of scripts that write no spaces, each sign by itself.
_WORD = re.compile(rf"[{_CHINESE}]|[^\W_{_CHINESE}]+")
#: What says that a work is not by the one who is named.
_DISTANT = re.compile(
    r"((?:possibly |probably |copy )?(?:after|attributed to|(?:circle|follower|followers|imitator|manner|pupil|school|"
    r"studio|style|workshop|assistant) of)|possibly|probably) (.+)"
)
_LIFE = re.compile(r"\s*\([^()]*\d[^()]*\)$")


def plain(text: str) -> str:
    """A text without case, Latin, Greek and Cyrillic accents and typographic signs, with single spaces."""
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return " ".join(unicodedata.normalize("NFC", bare.casefold()).translate(_SIGNS).split())


def plain_value(field: str, value: str) -> str:
    """A value of a field in plain form.

    As an artist "Monet, Claude" becomes "claude monet", and "Claude Monet (French, 1840-1926)" too: what stands in
    parentheses with figures tells of a life. "Circle of Rembrandt" becomes "rembrandt (circle of)", which does not end
    with Rembrandt's name, since he is not meant.
    """
    text = plain(value)
    if field != "artist":
        return text
    text = _LIFE.sub("", text) or text
    distant = _DISTANT.fullmatch(text)
    name = distant.group(2) if distant else text
    if name.count(",") == 1:
        last, first = (part.strip() for part in name.split(","))
        name = f"{first} {last}".strip()
    return f"{name} ({distant.group(1)})" if distant else name


def words_of(text: str) -> list[str]:
    """The different words of a text in plain form, in their order."""
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in _WORD.findall(plain(text))))


def term_rows(statements: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Rows of the tables `terms` and `words` for rows of `statements`; a value said twice is there once."""
    values = {(row["field"], row["digest"]): row["value"] for row in statements}
    terms = [
        {"field": field, "digest": digest, "plain": plain_value(field, value)}
        for (field, digest), value in values.items()
    ]
    words = [
        {"word": word, "field": field, "digest": digest}
        for (field, digest), value in values.items()
        for word in words_of(value)
    ]
    return terms, words
