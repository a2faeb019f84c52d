"""What the files of pictures were called when they came: works without a title go by that, and are found by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from vasari.archive.terms import words_of

#: The event that tells of a file's coming; its object is the key of the work.
INGESTED = "ingestion"


def file_name(origin: str) -> str:
    """The name of a file by its path or its address; what an address asks for after "?" may be secret."""
    return PurePath(unquote(urlsplit(origin).path) if "://" in origin else origin).name


def name_rows(events: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Rows of the table `names` for rows of `events`: the words of the names of files that came."""
    named = [
        (word, event["object"])
        for event in events
        if event["type"] == INGESTED
        for word in words_of(file_name(event["detail"].get("path") or ""))
    ]
    return [{"word": word, "object": object} for word, object in dict.fromkeys(named)]
