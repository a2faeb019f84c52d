"""`vasari archive export` and `import`: works as files that others read, and our own taken back."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode


def export(
    destination: Annotated[Path, Parameter(help="a new file; for iiif and bagit a new folder")],
    *,
    archive: ArchiveFolder = None,
    format: Annotated[str, Parameter(help="csv, jsonld, iiif, bagit or premis (events)")] = "csv",
    query: Annotated[str, Parameter(help="only works that this means, as in archive list")] = "",
    base: Annotated[
        str, Parameter(help="iiif: the web address under which the folder will be served")
    ] = "https://example.org/archive",
    label: Annotated[str, Parameter(help="iiif: name of the collection; default: the archive's folder")] = "",
    overwrite: Annotated[bool, Parameter(help="replace what is there, once the new one is whole", negative=())] = False,
    json: JSON = False,
) -> int:
    """Write works as CSV, JSON-LD, IIIF or a BagIt bag; what is written is visible only when it is whole.

    Exit code 3 if a picture for a bag is missing or changed; the rest is in it.
    """
    with open_archive(archive) as opened:
        from vasari.archive.exports.writing import ExportPlan
        from vasari.archive.exports.writing import export as write

        done = write(opened, destination, format, ExportPlan(query, base, label, overwrite))
    if json:
        values = {"count": done.count, "what": done.what, "left_out": done.left_out, "wrong": done.wrong}
        print(json_text.dumps(values | {"export": str(destination)}, ensure_ascii=True))
    else:
        lines = [f"{path}: missing or changed, left out" for path in done.wrong]
        left = f" {done.left_out} have no picture and were left out." if done.left_out else ""
        lines.append(f"{counted(done.count, done.what)} written: {destination}.{left}")
        print(printable("\n".join(lines)))
    return ExitCode.SOME_INPUTS_FAILED if done.wrong else ExitCode.DONE


def import_(
    file: Annotated[Path, Parameter(help="a .csv or .jsonld file that archive export wrote")],
    *,
    archive: ArchiveFolder = None,
    by: Annotated[str, Parameter(help="csv: the catalog that says all this; default: the file's name")] = "",
    json: JSON = False,
) -> int:
    """Take back records that Vasari exported: from JSON-LD everybody's words, from CSV as the word of one catalog.

    Pictures are not in these files: add them. What others said is not changed.
    """
    with open_archive(archive) as opened:
        from vasari.archive.exports.returning import take_back

        done = take_back(opened, file, by)
    if json:
        print(json_text.dumps({"works": done.works, "statements": done.statements}, ensure_ascii=True))
    else:
        print(
            printable(f"{counted(done.works, 'work')} with {counted(done.statements, 'statement')} read from {file}.")
        )
    return ExitCode.DONE
