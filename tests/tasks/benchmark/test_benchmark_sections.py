"""A section of a document is replaced, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from vasari.foundation.errors import PlanError
from vasari.tasks.benchmark.sections import END, mark, replace_section, replaced

BEFORE = "# Title\r\n\nText with | pipes |\n\n"
DOCUMENT = (
    f"{BEFORE}{mark('aged')}\n\nold\n\n{END}\n\nBetween, and {mark('denoise')}\nolder\n{END}\ntail without a line end"
)


def test_only_what_lies_between_the_marks_changes(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_bytes(DOCUMENT.encode())
    replace_section(path, "aged", "\nnew **table**\n\n")
    told = path.read_bytes().decode()
    assert told == DOCUMENT.replace("old\n\n<", "new **table**\n\n<", 1)
    replace_section(path, "aged", "new **table**")
    assert path.read_bytes().decode() == told
    assert replaced(told, "denoise", "x") == told.replace("\nolder\n", "\n\nx\n\n")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("no marks", "0 sections"),
        (f"{mark('aged')} {END} {mark('aged')} {END}", "2 sections"),
        (f"{END}{mark('aged')} without an end", "no end"),
        (f"{mark('aged')} {mark('denoise')} {END}", "no end"),
    ],
)
def test_documents_without_the_marks_are_refused(document: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        replaced(document, "aged", "x")
