"""`vasari archive map`: works laid out by their likeness, as an interactive page and as JSON."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted
from vasari.app.cli.progress import printable
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import ExitCode, PlanError


def draw_map(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="the page, NAME.html; NAME.json goes beside it")],
    archive: ArchiveFolder = None,
    query: Annotated[str, Parameter(help="which works; default: all that Vasari did not make itself")] = "",
    by: Annotated[str, Parameter(help="like in what: overall, palette or texture")] = "overall",
    method: Annotated[str, Parameter(help="pca, or umap with the extra 'maps'")] = "pca",
    thumbnails: Annotated[int, Parameter(help="how many works get a small picture inside the page")] = 1000,
    json: JSON = False,
) -> int:
    """Draw a map on which works that are alike lie near each other: one HTML file that needs nothing else.

    It zooms by wheel, fingers and keys, shows what one points at, and is colored by date, artist or style.
    """
    if output.suffix.lower() not in (".html", ".htm"):
        raise PlanError(f"{output} is no name of a page.", remedy="let it end in .html")
    if thumbnails < 0:
        raise PlanError(f"thumbnails={thumbnails} is below 0.", remedy="use 0 for none")
    with open_archive(archive) as opened, opened.reading() as connection:
        from vasari.archive.maps.drawing import map_of, page
        from vasari.archive.query import parsed

        drawn = map_of(connection, opened.folder, parsed(query), by=by, method=method, thumbnails=thumbnails)
    beside = output.with_suffix(".json")
    plain = [{name: value for name, value in work.items() if name != "thumbnail"} for work in drawn["works"]]
    write_whole(beside, json_text.dumps(drawn | {"works": plain}, ensure_ascii=True, indent=1).encode())
    write_whole(output, page(drawn).encode())
    if json:
        print(json_text.dumps({"page": str(output), "json": str(beside), "works": len(plain)}, ensure_ascii=True))
    else:
        print(printable(f"{counted(len(plain), 'work')} drawn: {output}, {beside}"))
    return ExitCode.DONE
