"""`vasari archive backup` and `recover`: a whole copy of an archive, and an archive brought back from one."""

from __future__ import annotations

import json as json_text
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, DatabaseAddress, archive_extra, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted
from vasari.app.cli.meters import meter
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode


def backup(
    destination: Annotated[Path, Parameter(help="a new folder, best on another disk")],
    *,
    archive: ArchiveFolder = None,
    masters: Annotated[bool, Parameter(help="also the pictures that the archive keeps copies of", negative=())] = False,
    json: JSON = False,
) -> int:
    """Copy an archive, as it is at one instant, into a new folder; others may work with it meanwhile.

    Exit code 3 if a master is missing or changed; the rest is copied.
    """
    with open_archive(archive) as opened:
        from vasari.archive.backup import backup as back_up
        from vasari.archive.events import note

        with meter("copying masters", "bytes") as copied:
            done = back_up(opened, destination, masters=masters, progress=copied.advance)
        with opened.writing() as writer:
            outcome = "warning" if done.wrong else "success"
            detail = {"to": str(destination), "masters": done.masters, "journal": done.journal}
            note(writer, "replication", "archive", outcome, detail)
    if json:
        print(json_text.dumps(asdict(done) | {"backup": str(destination)}, ensure_ascii=True))
    else:
        lines = [f"{path}: missing or changed" for path in done.wrong]
        lines.append(f"{counted(done.files, 'file')}, {done.bytes:,} bytes, are in {destination}, and were read again.")
        print(printable("\n".join(lines)))
    return ExitCode.SOME_INPUTS_FAILED if done.wrong else ExitCode.DONE


def recover(
    source: Annotated[Path, Parameter(help="the folder that archive backup made")],
    folder: Annotated[Path, Parameter(help="a new folder for the archive")],
    *,
    database: DatabaseAddress = None,
    json: JSON = False,
) -> int:
    """Bring an archive back from a backup, into a new folder; every file is compared with its hash."""
    with archive_extra():
        from vasari.archive.backup import recover as bring_back
        from vasari.archive.events import note
        from vasari.archive.store import Archive
    done = bring_back(source, folder, database)
    with Archive.open(folder) as opened, opened.writing() as writer:
        note(writer, "recovery", "archive", detail={"from": str(source), "journal": done.journal})
    if json:
        print(json_text.dumps(asdict(done) | {"archive": str(folder)}, ensure_ascii=True))
    else:
        print(printable(f"The archive is in {folder}: {counted(done.files, 'file')}, {done.bytes:,} bytes."))
    return ExitCode.DONE
