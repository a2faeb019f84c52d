"""`vasari archive rebuild`: the database from the journal, or the journal from the database."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, archive_extra, archive_folder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted
from vasari.app.cli.meters import meter
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode


def rebuild(
    folder: Annotated[Path | None, Parameter(help="the archive; the same as --archive")] = None,
    *,
    archive: ArchiveFolder = None,
    journal: Annotated[
        bool, Parameter(help="the other way round: a new, short journal from the database", negative=())
    ] = False,
    json: JSON = False,
) -> int:
    """Make the database anew from the journal, row for row; the old one is kept beside it.

    Features that the old database still holds are taken over; if it is damaged, `vasari archive index` measures again.
    """
    if journal:
        return _rewritten(folder or archive, json)
    with archive_extra():
        from vasari.archive.rebuild import rebuild as rebuild_archive
    place = folder or archive_folder(archive)
    with meter("rebuilding", "journal lines") as progress:
        done = rebuild_archive(place, progress.advance)
    if json:
        values = {"entries": done.entries, "rows": done.rows, "carried": done.carried, "kept": done.kept}
        print(json_text.dumps(values, ensure_ascii=True))
        return ExitCode.DONE
    lines = [f"{counted(done.entries, 'journal entry', 'journal entries')} became {done.rows['works']} works again."]
    if done.kept:
        lines.append(f"The database before is kept: {done.kept}.")
    if done.carried is None:
        lines.append("What was measured of the pictures is not in the journal. Next: vasari archive index")
    print(printable("\n".join(lines)))
    return ExitCode.DONE


def _rewritten(folder: Path | None, json: bool) -> int:
    with open_archive(folder) as opened:
        from vasari.archive.compaction import rewrite_journal

        with meter("writing the journal", "rows") as rows:
            done = rewrite_journal(opened, rows.advance)
    if json:
        values = {"rows": done.rows, "bytes": done.bytes, "bytes_before": done.bytes_before, "kept": done.kept}
        print(json_text.dumps(values, ensure_ascii=True))
    else:
        kept = f" The one before is kept: {done.kept}." if done.kept else ""
        print(printable(f"The new journal holds {counted(done.rows, 'row')} in {done.bytes:,} bytes.{kept}"))
    return ExitCode.DONE
