"""`vasari archive transfer`: the database moved from SQLite to PostgreSQL, or back."""

from __future__ import annotations

import json as json_text
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted
from vasari.app.cli.meters import meter
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode, PlanError


def transfer(
    *,
    archive: ArchiveFolder = None,
    database: Annotated[str | None, Parameter(help="postgresql://USER@HOST/NAME of an empty database")] = None,
    sqlite: Annotated[bool, Parameter(help="to SQLite in the archive's folder", negative=())] = False,
    json: JSON = False,
) -> int:
    """Move the database to another place; the folder stays, and every table is compared before the change.

    A password in the address is not kept: give it by PGPASSWORD or ~/.pgpass.
    """
    if (database is None) is not sqlite:
        raise PlanError("Where to is not said, or said twice.", remedy="give either --database URL or --sqlite")
    with open_archive(archive) as opened:
        from vasari.archive.transfer import transfer as move

        with meter("copying", "rows") as rows:
            done = move(opened, database, rows.advance)
    if json:
        print(json_text.dumps({"rows": done.rows, "kept": done.kept}, ensure_ascii=True))
    else:
        kept = f" The database before is kept: {done.kept}." if done.kept else " The database before was left as it is."
        print(printable(f"{counted(sum(done.rows.values()), 'row')} moved and compared.{kept}"))
    return ExitCode.DONE
