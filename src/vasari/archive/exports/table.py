"""Works as CSV: one row a work, what the catalog shows, dates in their own words and as EDTF.

Fields with many values are joined by "|", with a backslash before a "|" or a backslash that belongs to a value.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path

from vasari.archive.exports.records import MANY, SINGLE, Record
from vasari.archive.exports.targets import whole_file

#: The columns in order.
COLUMNS = (
    "key", *SINGLE, "date_edtf", "date_first", "date_last", *MANY, "derived", "files", "sha256",
)  # fmt: skip


def write_csv(records: Iterable[Record], target: Path, *, overwrite: bool = False) -> int:
    """Write a CSV file (UTF-8, RFC 4180); how many works it holds; raises `PlanError`, `WriteError`.

    Years are astronomical: 1 BC is 0. Who said what, and what models said, is not in it: JSON-LD has that.
    """
    count = 0
    with whole_file(target, overwrite=overwrite) as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for record in records:
            writer.writerow(_row(record))
            count += 1
    return count


def _row(record: Record) -> dict[str, object]:
    return {
        "key": record.row["key"],
        **{name: record.shown(name) for name in SINGLE},
        "date_edtf": record.row["date_edtf"],
        "date_first": record.row["date_first"],
        "date_last": record.row["date_last"],
        **{name: joined(record.values(name)) for name in MANY},
        "derived": "yes" if record.row["derived"] else "",
        "files": joined([file["path"] for file in record.files if file["page"] == 0]),
        "sha256": joined([file["sha256"] for file in record.files if file["page"] == 0]),
    }


def joined(values: Iterable[str]) -> str:
    """Many values in one cell."""
    return "|".join(re.sub(r"([\\|])", r"\\\1", value) for value in values)


def parted(cell: str) -> list[str]:
    """The values of a cell: the inverse of `joined`."""
    parts = re.findall(r"((?:[^\\|]|\\.)*)(?:\||\Z)", cell, re.DOTALL) if cell else []
    return [value for part in parts if (value := re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL))]
