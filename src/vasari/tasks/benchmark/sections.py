"""Sections of a document that a bench writes: what lies between two marks is replaced, and nothing else.

<!-- vasari benchmark aged -->
...
<!-- end -->
"""

from __future__ import annotations

from pathlib import Path

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import PlanError

END = "<!-- end -->"


def mark(name: str) -> str:
    """The line before a bench's section."""
    return f"<!-- vasari benchmark {name} -->"


def replaced(document: str, name: str, body: str) -> str:
    """The document with the section of a bench replaced; raises `PlanError` unless its marks stand there once."""
    begin = mark(name)
    if document.count(begin) != 1:
        raise PlanError(
            f"The document has {document.count(begin)} sections of {name}.",
            remedy=f"write a line {begin} where it goes, and {END} on a line after it, once",
        )
    before, _, rest = document.partition(begin)
    inside, end, after = rest.partition(END)
    if not end or "<!-- vasari benchmark " in inside:
        raise PlanError(f"The section of {name} has no end.", remedy=f"write {END} on a line after it")
    return f"{before}{begin}\n\n{body.strip()}\n\n{END}{after}"


def replace_section(path: Path, name: str, body: str) -> Path:
    """Replace a bench's section in a file, which is written whole; raises `PlanError`, `WriteError`."""
    return write_whole(path, replaced(read_document(path), name, body).encode())


def read_document(path: Path) -> str:
    """The text of a document, line ends as they are; raises `PlanError`."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{path} cannot be read: {error}.", remedy="name a Markdown file") from None
