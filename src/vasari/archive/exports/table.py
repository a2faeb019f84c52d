"""Works as CSV: one row a work, what the catalog shows, dates in their own words and as EDTF.

Fields with many values are joined by "|", with a backslash before a "|" or a backslash that belongs to a value.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from vasari.archive.exports.records import MANY, SINGLE, Record
from vasari.archive.exports.targets import whole_file
from vasari.foundation.csv_cells import inert, meant

#: The columns in order.
COLUMNS = (
    "key", *SINGLE, "date_edtf", "date_first", "date_last", *MANY, "derived", "files", "sha256",
)  # fmt: skip
#: Written by Vasari alone, never a formula: -0044/-0031 stays as EDTF has it.
_OURS = ("date_edtf", "date_first", "date_last")
_LONGEST_CELL = 1 << 30


def write_csv(records: Iterable[Record], target: Path, *, overwrite: bool = False) -> int:
    """Write a CSV file (UTF-8, RFC 4180); how many works it holds; raises `PlanError`, `WriteError`.

    Years are astronomical: 1 BC is 0. A text that a spreadsheet would run as a formula has an apostrophe before it.
    Who said what, and what models said, is not in it: JSON-LD has that.
    """
    count = 0
    with whole_file(target, overwrite=overwrite) as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for record in records:
            writer.writerow({name: text if name in _OURS else inert(text) for name, text in _row(record).items()})
            count += 1
    return count


def read_csv(file: Iterable[str]) -> Iterator[dict[str, str]]:
    """The rows of an open file that `write_csv` wrote, by column; raises `ValueError` for one without keys."""
    # The module csv has this limit for the whole process and no other way: it is put back.
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        reader = csv.DictReader(file)
        if "key" not in (reader.fieldnames or ()):
            raise ValueError("it has no column key")
        for row in reader:
            yield {name: meant(row.get(name) or "") for name in COLUMNS}
    finally:
        csv.field_size_limit(before)


def _row(record: Record) -> dict[str, str]:
    return {
        "key": record.row["key"],
        **{name: record.shown(name) for name in SINGLE},
        "date_edtf": record.row["date_edtf"],
        "date_first": _year(record.row["date_first"]),
        "date_last": _year(record.row["date_last"]),
        **{name: joined(record.values(name)) for name in MANY},
        "derived": "yes" if record.row["derived"] else "",
        "files": joined([file["path"] for file in record.files if file["page"] == 0]),
        "sha256": joined([file["sha256"] for file in record.files if file["page"] == 0]),
    }


def _year(year: int | None) -> str:
    return "" if year is None else str(year)


def joined(values: Iterable[str]) -> str:
    """Many values in one cell."""
    return "|".join(re.sub(r"([\\|])", r"\\\1", value) for value in values)


def parted(cell: str) -> list[str]:
    """The values of a cell: the inverse of `joined`."""
    parts = re.findall(r"((?:[^\\|]|\\.)*)(?:\||\Z)", cell, re.DOTALL) if cell else []
    return [value for part in parts if (value := re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL))]
