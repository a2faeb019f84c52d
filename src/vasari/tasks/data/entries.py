"""A picture that a source names, before it is decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

#: File name endings by which folders and archives are searched for pictures; the content decides in the end.
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm")
#: Columns that hold a picture's path, and those that hold its label where none is chosen; the first found counts.
PATH_COLUMNS = ("path", "file", "filename", "image")
LABEL_COLUMNS = ("label", "style", "class", "artist")
MAX_FILE_BYTES = 1 << 30


@dataclass(frozen=True)
class Entry:
    """A picture that may be there: `name` (SOURCE/place within it), `label`, and its file's bytes on demand.

    `stamp` changes with the file (its place, size, time of change); `read` raises what comes.
    """

    name: str
    label: str
    stamp: str
    read: Callable[[], bytes]

    @property
    def place(self) -> str:
        """The place within the source, without the source's name."""
        return self.name.partition("/")[2]


@dataclass
class Listing:
    """What a source holds: entries in order, and how many other files were left out, by suffix."""

    entries: list[Entry] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class FileReader:
    """Reads a file whole; refuses one larger than any picture."""

    path: Path

    def __call__(self) -> bytes:
        if self.path.exists() and not self.path.is_file():
            raise ValueError("a folder" if self.path.is_dir() else "no regular file")  # a pipe would be waited for
        with self.path.open("rb") as file:
            return limited(file.read(MAX_FILE_BYTES + 1))


@dataclass(frozen=True)
class Unreadable:
    """Stands for what could not even be looked into: reading it raises why."""

    reason: str

    def __call__(self) -> bytes:
        raise OSError(self.reason)


def file_entry(path: Path, name: str, label: str) -> Entry:
    """A picture in a file of its own."""
    try:
        about = path.stat()
        stamp = f"{path.resolve()}|{about.st_size}|{about.st_mtime_ns}"
    except OSError:
        stamp = f"{path.absolute()}|missing"
    return Entry(name, label, stamp, FileReader(path))


def limited(data: bytes) -> bytes:
    """The bytes; `ValueError` where there are more than a picture may have."""
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f"more than {MAX_FILE_BYTES >> 20} MB")
    return data


def label_of(place: str, called: str) -> str:
    """The first folder of a place within a source; the source's own name where a picture lies in it directly."""
    first, slash, _ = place.partition("/")
    return first if slash else called
