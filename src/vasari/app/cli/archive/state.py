"""`vasari archive state`: a person's word about a work."""

from __future__ import annotations

import getpass
import json as json_text
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode, PlanError


def state(
    key: Annotated[str, Parameter(help="the work: its key, the path of its picture, or the beginning of its hash")],
    *words: Annotated[str, Parameter(help='FIELD=VALUE, as date="c. 1890"; an empty value takes your word back')],
    by: Annotated[str, Parameter(help="who says it; default: your login name")] = "",
    archive: ArchiveFolder = None,
    json: JSON = False,
) -> int:
    """Say what a work is: title, artist, date and so on. Your word is shown before a catalog's or a file's.

    What others said is kept. Of fields that may have several values all that you give count together.
    """
    speaker = by or _login()
    with open_archive(archive) as opened:
        from vasari.archive.ingest.person import say

        found = say(opened, key, words, speaker, path=str(Path(key).absolute()))
    if json:
        print(json_text.dumps({"key": found, "by": speaker, "said": list(words)}))
    else:
        print(printable(f"{found}: noted as said by {speaker}."))
        for text in _unread_dates(words):
            print(printable(f"The date {text!r} is kept, and not understood: the work counts as undated."))
    return ExitCode.DONE


def _unread_dates(words: tuple[str, ...]) -> list[str]:
    """Dates of which no year is read, of FIELD=VALUE."""
    from vasari.archive.dates.parse import parse_date

    said = (word.partition("=") for word in words)
    return [value for field, _, value in said if field == "date" and value and not parse_date(value).known]


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise PlanError("Your login name is not known.", remedy="say who says it: --by NAME") from error
