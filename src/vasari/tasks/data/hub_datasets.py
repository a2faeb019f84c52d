"""Data sets of the Hugging Face hub, `hf://OWNER/NAME[:SPLIT]`, through the library `datasets` (extra `hub`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vasari.foundation.errors import MissingExtraError, PlanError
from vasari.tasks.data.entries import LABEL_COLUMNS, Entry, Listing, limited
from vasari.tasks.data.tables import chosen_column, missing_column

PREFIX = "hf://"
DEFAULT_SPLIT = "train"


@dataclass(frozen=True)
class RowReader:
    """Reads the picture of one row as the bytes of its file."""

    rows: Any
    column: str
    index: int

    def __call__(self) -> bytes:
        picture = self.rows[self.index][self.column]
        if picture is None:
            raise ValueError("an empty row")
        data = picture["bytes"]
        return limited(data) if data is not None else limited(Path(picture["path"]).read_bytes())


def list_dataset(source: str, called: str, label_column: str) -> Listing:
    """The pictures of a split (`train` where none is named; also `train[:1000]`), downloaded once by `datasets`.

    NAME may also be a local folder that `datasets` can load. Raises `MissingExtraError` without the extra, and
    `PlanError` where there is no such data set or split, no column of pictures, or no network.
    """
    try:
        import datasets
    except ImportError:
        raise MissingExtraError(f"Reading {source}", "hub") from None
    name, _, split = source.removeprefix(PREFIX).partition(":")
    try:
        table = datasets.load_dataset(name, split=split or DEFAULT_SPLIT)
    except Exception as error:  # the library passes on errors of networks, files and tables of many kinds
        words = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise PlanError(
            f"{source} cannot be loaded: {words}.", remedy="check owner, name and split, and the network"
        ) from error
    columns = list(table.features)
    pictures = next((one for one in columns if isinstance(table.features[one], datasets.Image)), "")
    if not pictures:
        raise PlanError(
            f"{source} has no column of pictures; it has: {', '.join(columns)}.", remedy="name a data set of pictures"
        )
    of_label = chosen_column(columns, label_column, LABEL_COLUMNS)
    if label_column and not of_label:
        raise missing_column(source, label_column, columns)
    rows = table.select_columns([pictures]).cast_column(pictures, datasets.Image(decode=False))
    labels = _labels(table, of_label) if of_label else [called] * len(table)
    stamp = f"{source}|{_stamp(table)}"
    return Listing(
        [
            Entry(f"{called}/{index:07d}", labels[index], f"{stamp}|{index}", RowReader(rows, pictures, index))
            for index in range(len(table))
        ]
    )


def _labels(table: Any, column: str) -> list[str]:
    """The labels of all rows as text; numbers of classes by their names."""
    import datasets

    values, kind = list(table[column]), table.features[column]
    if isinstance(kind, datasets.ClassLabel):
        return ["" if one is None or one < 0 else kind.int2str(one) for one in values]
    return ["" if one is None else str(one) for one in values]


def _stamp(table: Any) -> str:
    """Changes with the files that the library keeps of a data set."""
    files = sorted(one["filename"] for one in table.cache_files)
    about = [(file, Path(file).stat()) for file in files]
    return "|".join(f"{file}|{one.st_size}|{one.st_mtime_ns}" for file, one in about) + f"|{len(table)}"
