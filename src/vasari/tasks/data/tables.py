"""Sources that name pictures in a text: a list with a path a line, a table with a column of paths."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from vasari.foundation.errors import PlanError
from vasari.tasks.data.entries import LABEL_COLUMNS, PATH_COLUMNS, Listing, file_entry

SEPARATORS = ",;\t"


def list_text(path: Path, called: str, label_column: str) -> Listing:
    """The pictures of a list: a path a line, relative to the list's folder; empty lines and # comments pass."""
    lines = [line.strip() for line in _text(path).splitlines()]
    places = [line for line in lines if line and not line.startswith("#")]
    return Listing([file_entry(path.parent / place, f"{called}/{place}", called) for place in places])


def list_table(path: Path, called: str, label_column: str) -> Listing:
    """The pictures of a table with a header: a column `path`, `file`, `filename` or `image`, relative to its folder.

    The label is in `label_column`, or in a column `label`, `style`, `class` or `artist`; else it is the
    table's name. Raises `PlanError` where there is no such column.
    """
    text = _text(path)
    separator = max(SEPARATORS, key=text.partition("\n")[0].count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    columns = list(reader.fieldnames or [])
    of_path = chosen_column(columns, "", PATH_COLUMNS)
    if not of_path:
        raise PlanError(
            f"{path} has no column with the paths of pictures; it has: {', '.join(columns) or 'none'}.",
            remedy=f"call the column one of: {', '.join(PATH_COLUMNS)}",
        )
    of_label = chosen_column(columns, label_column, LABEL_COLUMNS)
    if label_column and not of_label:
        raise missing_column(path, label_column, columns)
    listing = Listing()
    try:
        for row in reader:
            place = (row[of_path] or "").strip()
            if not place:
                listing.left_out["rows without a path"] += 1
                continue
            label = (row[of_label] or "").strip() if of_label else called
            listing.entries.append(file_entry(path.parent / place, f"{called}/{place}", label))
    except csv.Error as error:
        raise PlanError(f"{path}, line {reader.line_num}: {error}.", remedy="correct the table") from error
    return listing


def chosen_column(columns: Sequence[str], wanted: str, usual: Sequence[str]) -> str:
    """The column called `wanted`, or the first of the `usual` names where none is wanted; "" for none."""
    by_name = {column.strip().lower(): column for column in reversed(columns)}
    names = [wanted.lower()] if wanted else usual
    return next((by_name[name] for name in names if name in by_name), "")


def missing_column(source: Path | str, wanted: str, columns: Sequence[str]) -> PlanError:
    """The error of a source without the column of labels that was asked for."""
    return PlanError(
        f"label_column={wanted} is no column of {source}.", remedy=f"use one of: {', '.join(columns) or 'none'}"
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PlanError(f"{path} cannot be read: {error.strerror or error}.", remedy="name a readable file") from error
    except UnicodeDecodeError:
        raise PlanError(f"{path} is not UTF-8 text.", remedy="save it as UTF-8") from None
