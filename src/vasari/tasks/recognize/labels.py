"""Labeled pictures: from a folder of sub-folders, a table, or a plain list."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vasari.foundation.errors import PlanError, TrainingError
from vasari.tasks.data.entries import LABEL_COLUMNS, PATH_COLUMNS, SUFFIXES
from vasari.tasks.data.tables import SEPARATORS, chosen_column, missing_column
from vasari.tasks.recognize.plan import LabelsPlan

ARTIST_COLUMNS = ("artist", "creator", "author")
YEAR_COLUMNS = ("year_from", "year_to")


@dataclass(frozen=True)
class LabeledPicture:
    """A picture's file with its label, its artist ("" where none is known), and the name it is called by."""

    path: Path
    label: str
    artist: str = ""
    name: str = ""

    @property
    def called(self) -> str:
        """The name; the file's own where none was given. Never an absolute path."""
        return self.name or self.path.name


@dataclass(frozen=True)
class Labeled:
    """Labeled pictures in order, and what was noticed on the way, a line a fact."""

    pictures: tuple[LabeledPicture, ...]
    notes: tuple[str, ...] = ()


def labeled_list(rows: Iterable[tuple[str | Path, str] | tuple[str | Path, str, str]]) -> Labeled:
    """Labeled pictures from (path, label) or (path, label, artist); raises `TrainingError` for none."""
    return _some([LabeledPicture(Path(row[0]), row[1], row[2] if len(row) > 2 else "") for row in rows], "the list", [])


def read_labeled(source: str | Path, plan: LabelsPlan | None = None) -> Labeled:
    """The labeled pictures of a folder or a `.csv` table, none of them opened.

    Of a folder the first sub-folder is the label, and one below it the artist: impressionism/monet/1.jpg. A table has
    a column of paths (path, file, filename, image; relative to its folder) and the columns of the plan. Raises
    `PlanError` where it is neither or lacks a column, `TrainingError` where it holds no labeled picture.
    """
    plan, path = plan or LabelsPlan(), Path(source).expanduser()
    if path.is_dir():
        if plan != LabelsPlan():
            raise PlanError(f"{source} is a folder and has no columns.", remedy="name a .csv, or no columns")
        return _folder(path)
    if path.suffix.lower() == ".csv" and path.is_file():
        return _table(path, plan)
    what = "is no table" if path.exists() else "does not exist"
    raise PlanError(f"{source} {what}.", remedy="name a folder with a sub-folder for each label, or a .csv")


def _folder(root: Path) -> Labeled:
    found, loose = [], 0
    for here, folders, files in os.walk(root):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for file in sorted(files):
            path = Path(here) / file
            parts = path.relative_to(root).parts
            if file.startswith(".") or path.suffix.lower() not in SUFFIXES:
                continue
            if len(parts) == 1:
                loose += 1
                continue
            artist = parts[1] if len(parts) > 2 else ""
            found.append(LabeledPicture(path, parts[0], artist, path.relative_to(root).as_posix()))
    notes = [f"{loose} pictures lie in no sub-folder and have no label."] if loose else []
    return _some(found, str(root), notes)


def _table(path: Path, plan: LabelsPlan) -> Labeled:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{path} cannot be read: {error}.", remedy="save it as UTF-8 text") from error
    separator = max(SEPARATORS, key=text.partition("\n")[0].count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    columns = list(reader.fieldnames or [])
    of_path = chosen_column(columns, "", PATH_COLUMNS)
    if not of_path:
        raise PlanError(
            f"{path} has no column with the paths of pictures; it has: {', '.join(columns) or 'none'}.",
            remedy=f"call the column one of: {', '.join(PATH_COLUMNS)}",
        )
    of_label, of_artist = _label_column(path, columns, plan), _artist_column(path, columns, plan)
    found, dropped = [], 0
    for row in reader:
        place = (row[of_path] or "").strip()
        label = _period(row, plan.period_years) if plan.period_years else (row[of_label] or "").strip()
        if not place or not label:
            dropped += 1
            continue
        artist = (row[of_artist] or "").strip() if of_artist else ""
        name = Path(place).name if Path(place).is_absolute() else place
        found.append(LabeledPicture(path.parent / place, label, artist, name))
    notes = [f"{dropped} rows have no path or no label and were left out."] if dropped else []
    return _some(found, str(path), notes)


def _label_column(path: Path, columns: Sequence[str], plan: LabelsPlan) -> str:
    if plan.period_years:
        missing = [one for one in YEAR_COLUMNS if not chosen_column(columns, one, ())]
        if missing:
            raise missing_column(path, missing[0], columns)
        return ""
    chosen = chosen_column(columns, plan.label_column, LABEL_COLUMNS)
    if not chosen:
        raise PlanError(
            f"{path} has no column {plan.label_column or 'of labels'}; it has: {', '.join(columns) or 'none'}.",
            remedy=f"call the column one of: {', '.join(LABEL_COLUMNS)}, or name it with label_column",
        )
    return chosen


def _artist_column(path: Path, columns: Sequence[str], plan: LabelsPlan) -> str:
    chosen = chosen_column(columns, plan.artist_column, ARTIST_COLUMNS)
    if plan.artist_column and not chosen:
        raise PlanError(
            f"{path} has no column {plan.artist_column}; it has: {', '.join(columns)}.",
            remedy="name another with artist_column, or none",
        )
    return chosen


def _period(row: Mapping[str, str], years: int) -> str:
    """The period that both years of a row lie in, "1850-1899"; "" where there is none such."""
    try:
        first, last = (int(row[one]) // years for one in YEAR_COLUMNS)
    except (ValueError, TypeError):
        return ""
    return f"{first * years}-{first * years + years - 1}" if first == last else ""


def _some(found: list[LabeledPicture], called: str, notes: list[str]) -> Labeled:
    if not found:
        raise TrainingError(
            f"No labeled picture was found in {called}.",
            remedy="give each label a sub-folder with its pictures, or a table with paths and labels",
        )
    return Labeled(tuple(found), tuple(notes))
