"""`vasari archive verify`: are the files still what they were?"""

from __future__ import annotations

import json as json_text
import sys
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted
from vasari.app.cli.meters import meter
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode


def verify(
    *,
    archive: ArchiveFolder = None,
    share: Annotated[
        float, Parameter(help="how much of all files, 0..1: those that were not checked for the longest time")
    ] = 1.0,
    seed_by_day: Annotated[
        bool, Parameter(help="draw the share by the date instead, another one each day", negative=())
    ] = False,
    json: JSON = False,
) -> int:
    """Compare the bytes of the files with their recorded SHA-256; exit code 3 if one is missing, changed or unreadable.

    Broken off, the same command goes on where it was. Files are only read.
    """
    with open_archive(archive) as opened:
        from vasari.archive.fixity import verify as verify_archive

        try:
            with meter("verifying", "files") as files:

                def watch(path: str, state: str, size: int) -> None:
                    files.advance(name=path)

                done = verify_archive(opened, share, by_day=seed_by_day, watch=watch)
        except KeyboardInterrupt:
            print("vasari: interrupted; the same command goes on where it was", file=sys.stderr)
            return ExitCode.INTERRUPTED
    if json:
        print(json_text.dumps(asdict(done), ensure_ascii=True))
    else:
        before = f", {done.checked_before} before it was broken off" if done.checked_before else ""
        lines = [f"{wrong.path}: {wrong.state}" for wrong in done.wrong]
        lines += [f"{path}: whole again" for path in done.restored]
        right = "all are what they were" if not done.wrong else f"{len(done.wrong)} are not what they were"
        lines.append(f"{counted(done.checked, 'file')} checked{before}: {right}.")
        print(printable("\n".join(lines)))
    return ExitCode.SOME_INPUTS_FAILED if done.wrong else ExitCode.DONE
