"""`vasari archive init` and `upgrade`: a new archive, and an old one brought up to date."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, DatabaseAddress, archive_extra, archive_folder
from vasari.app.cli.json_option import JSON
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode


def init(
    folder: Annotated[Path, Parameter(help="a new or empty folder")],
    *,
    database: DatabaseAddress = None,
    json: JSON = False,
) -> int:
    """Make an archive in a new folder."""
    with archive_extra():
        from vasari.archive.store import Archive
    with Archive.create(folder, database) as archive:
        about = {"archive": str(archive.folder), "database": archive.engine.dialect.name}
    if json:
        print(json_text.dumps(about))
    else:
        print(printable(f"An empty archive is in {folder}. Next: vasari archive add PICTURES --archive {folder}"))
    return ExitCode.DONE


def upgrade(*, archive: ArchiveFolder = None) -> int:
    """Bring an archive of an older Vasari up to date; one that is so already is left alone."""
    folder = archive_folder(archive)
    with archive_extra():
        from vasari.archive.store import Archive
    was, is_now = Archive.upgrade(folder)
    print(printable(f"{folder}: {'nothing to do' if was == is_now else f'revision {was} became {is_now}'}."))
    return ExitCode.DONE
