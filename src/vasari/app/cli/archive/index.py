"""`vasari archive index`: measure the pictures of an archive."""

from __future__ import annotations

import json as json_text
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.messages import counted, duration
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode, VasariError

#: Seconds between two lines where there is no terminal.
_LINE_SECONDS = 10.0


def index(
    *,
    archive: ArchiveFolder = None,
    features: Annotated[
        tuple[str, ...], Parameter(help="which, such as color palette embedding; default: all", consume_multiple=True)
    ] = (),
    jobs: Annotated[int, Parameter(help="pictures read at a time")] = 1,
    device: Annotated[str, Parameter(help="auto, cpu, cuda or mps")] = "auto",
    again: Annotated[bool, Parameter(help="also try what could not be measured before", negative=())] = False,
    json: Annotated[bool, Parameter(help="tell the outcome as JSON on stdout", negative=())] = False,
) -> int:
    """Measure the picture of each work: colors, edges, complexity, style; only what is missing.

    Search by likeness, trends, maps and recognizers read what is measured here. Run it again after adding works, or
    after a new version of Vasari that measures differently.
    """
    with open_archive(archive) as opened:
        from vasari.archive.indexing import index as index_archive

        try:
            with _progress() as watch:
                found = index_archive(opened, features, jobs=jobs, device=device, again=again, watch=watch)
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


Watch = Callable[[int, int, str, VasariError | None], None]


@contextmanager
def _progress() -> Iterator[Watch]:
    """A bar with the time left on a terminal, now and then a line elsewhere, and a line for each failure."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("measuring", total=None)

        def told(done: int, total: int, path: str, error: VasariError | None) -> None:
            bar.update(task, completed=done, total=total, description=printable(Path(path).name)[:32])
            if error is not None:
                bar.console.print(printable(f"{error}"), style="red", markup=False, highlight=False)

        yield told


class _Lines:
    """A line for each failure, and every few seconds how far the work is."""

    def __init__(self) -> None:
        self.began = self.told_at = time.monotonic()

    def __call__(self, done: int, total: int, path: str, error: VasariError | None) -> None:
        if error is not None:
            print(printable(str(error)), file=sys.stderr, flush=True)
        now = time.monotonic()
        if now - self.told_at > _LINE_SECONDS:
            self.told_at = now
            left = duration((now - self.began) * (total - done) / done)
            print(f"{done} of {total} measured, about {left} left", file=sys.stderr, flush=True)
