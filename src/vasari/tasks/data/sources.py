"""Where pictures come from: a folder, a picture, a list, a table, an archive, a data set."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from vasari.foundation.errors import PlanError
from vasari.tasks.data.archives import list_zip
from vasari.tasks.data.entries import SUFFIXES, Entry, Listing, Unreadable, file_entry, label_of
from vasari.tasks.data.hub_datasets import PREFIX, list_dataset
from vasari.tasks.data.tables import list_table, list_text

KINDS = "a folder, a picture, a .txt, .csv or .zip, or hf://OWNER/NAME"

# Suffix of a source -> (its path, its name, the column of labels) -> what it holds
LISTS: Mapping[str, Callable[[Path, str, str], Listing]] = {
    ".txt": list_text,
    ".csv": list_table,
    ".zip": list_zip,
}


def list_source(source: str | Path, called: str, label_column: str) -> Listing:
    """What a source holds, nothing decoded; `called` is its name in the names of its pictures.

    Raises `PlanError` where there is no such source, and `MissingExtraError` for hf:// without the extra `hub`.
    """
    if str(source).startswith(PREFIX):
        return list_dataset(str(source), called, label_column)
    path = Path(source).expanduser()
    if not path.exists():
        raise PlanError(f"There is no {source}.", remedy=f"name {KINDS}")
    if path.is_dir():
        return _folder(path, called)
    suffix = path.suffix.lower()
    if suffix in LISTS:
        return LISTS[suffix](path, called, label_column)
    if suffix in SUFFIXES:
        return Listing([file_entry(path, f"{called}/{path.name}", called)])
    raise PlanError(f"{source} is no source of pictures.", remedy=f"name {KINDS}")


def names_of(sources: Sequence[str | Path]) -> list[str]:
    """A short name for every source, no two alike."""
    names: list[str] = []
    for index, source in enumerate(sources):
        text = str(source)
        base = text.removeprefix(PREFIX) if text.startswith(PREFIX) else Path(text).expanduser().resolve().name
        name = base.strip("/").replace("/", "-") or "data"
        names.append(name if name not in names else f"{name}#{index + 1}")
    return names


def _folder(root: Path, called: str) -> Listing:
    """All pictures below a folder, sorted; hidden files are left out, and folders that cannot be read are named."""
    listing = Listing()

    def unreadable(error: OSError) -> None:
        place = Path(str(error.filename)).relative_to(root).as_posix()
        reason = Unreadable(error.strerror or str(error))
        listing.entries.append(Entry(f"{called}/{place}", called, str(error), reason))

    for here, folders, files in os.walk(root, onerror=unreadable):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for file in sorted(one for one in files if not one.startswith(".")):
            path = Path(here) / file
            suffix = path.suffix.lower()
            if suffix not in SUFFIXES:
                listing.left_out[suffix or "no suffix"] += 1
                continue
            place = path.relative_to(root).as_posix()
            listing.entries.append(file_entry(path, f"{called}/{place}", label_of(place, called)))
    return listing
