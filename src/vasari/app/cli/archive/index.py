"""`vasari archive index`: measure the pictures of an archive."""

from __future__ import annotations

import json as json_text
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted
from vasari.app.cli.meters import meter
from vasari.app.cli.plan_options import with_plans
from vasari.app.engines import EnginePlan, executor_of
from vasari.foundation.errors import ExitCode, VasariError


@with_plans(where=EnginePlan)
def index(
    *,
    archive: ArchiveFolder = None,
    features: Annotated[
        tuple[str, ...], Parameter(help="which, such as color palette embedding; default: all", consume_multiple=True)
    ] = (),
    jobs: Annotated[int, Parameter(help="pictures read at a time")] = 1,
    device: Annotated[str, Parameter(help="auto, cpu, cuda or mps")] = "auto",
    again: Annotated[bool, Parameter(help="also try what could not be measured before", negative=())] = False,
    json: JSON = False,
    where: EnginePlan,
) -> int:
    """Measure the picture of each work: colors, edges, complexity, style; only what is missing.

    Search by likeness, trends, maps and recognizers read what is measured here. Run it again after adding works, or
    after a new version of Vasari that measures differently.
    """
    with open_archive(archive) as opened, executor_of(where) as executor:
        from vasari.archive.indexing import index as index_archive

        try:
            with meter("measuring", "pictures") as pictures:

                def watch(done: int, total: int, path: str, error: VasariError | None) -> None:
                    pictures.show(done, total, Path(path).name)
                    if error is not None:
                        pictures.failed(str(error))

                found = index_archive(
                    opened, features, jobs=jobs, device=device, again=again, watch=watch, executor=executor
                )
        except KeyboardInterrupt:
            print("vasari: interrupted; the same command goes on where it was", file=sys.stderr)
            return ExitCode.INTERRUPTED
    if json:
        failures = [{"path": path, "error": error.message, "remedy": error.remedy} for path, error in found.failures]
        print(json_text.dumps({"measured": found.measured, "failures": failures}, ensure_ascii=True))
    elif not found.measured and not found.failures:
        print("Everything is measured.")
    else:
        failed = f", {len(found.failures)} could not be" if found.failures else ""
        print(f"{counted(found.measured, 'picture')} measured{failed}.")
    return ExitCode.SOME_INPUTS_FAILED if found.failures else ExitCode.DONE
