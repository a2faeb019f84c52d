"""Which archive a command is about: `--archive`, the variable VASARI_ARCHIVE, or the folder one stands in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from vasari.foundation.errors import MissingExtraError, PlanError

if TYPE_CHECKING:
    from vasari.archive.store import Archive

VARIABLE = "VASARI_ARCHIVE"
_SETTINGS = "archive.toml"

#: The option that every command of an archive has.
ArchiveFolder = Annotated[
    Path | None,
    Parameter(name=["--archive", "-a"], help=f"the archive's folder; default: {VARIABLE}, or the folder one is in"),
]

#: Where a new archive's database is to be.
DatabaseAddress = Annotated[
    str | None, Parameter(help="postgresql://USER@HOST/NAME of an empty database; default: SQLite in the folder")
]


def archive_folder(given: Path | None) -> Path:
    """The folder of the archive that is meant; raises `PlanError` where none is."""
    if given is not None:
        return given
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / _SETTINGS).is_file():
            return folder
    raise PlanError(
        f"Neither {here} nor a folder above it is an archive.",
        remedy=f"give --archive DIR, set {VARIABLE}, or make one: vasari archive init DIR",
    )


def open_archive(given: Path | None) -> Archive:
    """The archive that is meant, open; raises `MissingExtraError` without the extra `archive`."""
    folder = archive_folder(given)
    with archive_extra():
        from vasari.archive.store import Archive
    return Archive.open(folder)


@contextmanager
def archive_extra() -> Iterator[None]:
    """Import what an archive needs; raises `MissingExtraError` where the extra `archive` is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError("vasari archive", "archive") from error
