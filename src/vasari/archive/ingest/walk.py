"""The picture files that paths, folders and globs mean, one after the other, never as a list.

A folder of a million files is walked as its entries come: at most one folder's names are held at a time for each level.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vasari.foundation.batches import CHANGE_ENDING, DAMAGE_ENDING, PICTURE_SUFFIXES, RECORD_ENDING
from vasari.foundation.errors import PlanError


@dataclass(frozen=True)
class Found:
    """A file by its absolute path, and size and time of change as the walk saw them; `address`: fetched from there."""

    path: str
    bytes: int
    modified_ns: int
    address: str = ""

    @property
    def origin(self) -> str:
        """Where it comes from: the address, else the path."""
        return self.address or self.path


@dataclass
class Walk:
    """Walks `inputs` (files, folders, globs); raises `PlanError` at once for one that does not exist.

    Folders are searched recursively, names in order, for the endings of pictures; hidden files, evidence maps of
    treatments and what lies in `outside` (the archive itself) are left out. Links to folders are not followed.
    `unread` collects folders that could not be listed, with the reason.
    """

    inputs: Sequence[str]
    outside: Path
    unread: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for one in self.inputs:
            path = Path(one).expanduser()
            if not path.exists() and not glob.has_magic(one):
                raise PlanError(f"There is no file or folder {one}.", remedy="check the spelling, or quote the glob")
            if path.exists() and not path.is_dir() and not path.is_file():
                raise PlanError(f"{one} is neither a file nor a folder.", remedy="name picture files or folders")

    def __iter__(self) -> Iterator[Found]:
        outside = str(self.outside.resolve())
        for one in self.inputs:
            path = Path(one).expanduser()
            if path.exists():
                yield from self._from(path, outside, named=True)
                continue
            for name in glob.iglob(str(path), recursive=True):  # noqa: PTH207 - any pattern
                yield from self._from(Path(name), outside, named=not Path(name).is_dir())

    def _from(self, path: Path, outside: str, *, named: bool) -> Iterator[Found]:
        absolute = str(path.parent.resolve() / path.name) if path.name else str(path.resolve())
        if path.is_dir():
            absolute = str(path.resolve())
            yield from self._folder(absolute, outside)
        elif named and not _inside(str(path.resolve()), outside):
            found = _found(absolute)
            if found is not None:
                yield found

    def _folder(self, folder: str, outside: str) -> Iterator[Found]:
        if _inside(folder, outside):
            return
        try:
            with os.scandir(folder) as entries:
                listed = sorted((one.name, one.is_dir(follow_symlinks=False)) for one in entries)
        except OSError as error:
            self.unread.append((folder, error.strerror or str(error)))
            return
        names = {name.lower() for name, is_folder in listed if not is_folder}
        for name, is_folder in listed:
            path = f"{folder.rstrip('/')}/{name}"
            if name.startswith("."):
                continue
            if is_folder:
                yield from self._folder(path, outside)
            elif os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES and not is_map(name, names):  # noqa: PTH122
                found = _found(path)
                if found is not None:
                    yield found


def is_map(name: str, names: Iterable[str]) -> bool:
    """True for an evidence map of a treatment: its record lies beside it among `names` (in small letters)."""
    lower = name.lower()
    return any(
        lower.endswith(ending) and lower.removesuffix(ending) + RECORD_ENDING in names
        for ending in (DAMAGE_ENDING, CHANGE_ENDING)
    )


def _found(path: str) -> Found | None:
    """The file with what a look at it tells; None for what is no file; a dangling link is kept, and fails later."""
    try:
        facts = os.stat(path)  # noqa: PTH116 - a million of them
    except OSError:
        return Found(path, -1, -1)
    return Found(path, facts.st_size, facts.st_mtime_ns) if _is_file(facts.st_mode) else None


def _is_file(mode: int) -> bool:
    return (mode & 0o170000) == 0o100000


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
