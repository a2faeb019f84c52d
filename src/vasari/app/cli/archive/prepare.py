"""`vasari archive prepare`: reading copies of large pictures, made before the workbench is asked for them."""

from __future__ import annotations

import json as json_text
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted, duration
from vasari.app.cli.meters import Meter, meter
from vasari.app.cli.plan_options import with_plan
from vasari.app.settings import COPIES_GIB
from vasari.foundation.errors import ExitCode, MissingExtraError, VasariError
from vasari.foundation.plans import check, option

if TYPE_CHECKING:
    from vasari.app.web.iiif.preparing import Prepared, Watch

#: Of the workbench, in the archive's folder.
_FOLDER = "workbench"


@dataclass(frozen=True)
class PreparePlan:
    """How much may be prepared."""

    gib: float = option(20.0, "disk that reading copies take in all, GiB, as told to serve", **COPIES_GIB)

    def __post_init__(self) -> None:
        check(self)


@with_plan(PreparePlan)
def prepare(
    *,
    archive: ArchiveFolder = None,
    plan: PreparePlan,
    json: JSON = False,
    nice: Annotated[int, Parameter(help="how far to stand back behind other programs, 0 to 19", show=False)] = 0,
    while_stdin_is_open: Annotated[bool, Parameter(help="end when stdin closes", negative=(), show=False)] = False,
) -> int:
    """Make the reading copies ahead from which the workbench cuts what it shows of large pictures.

    `vasari serve` does so by itself, quietly; do it here before it opens to many. Only what is missing is made, the
    newest pictures first, as far as there is room; masters are only read. Exit code 3 if some cannot be read.
    """
    if nice:
        os.environ["VIPS_CONCURRENCY"] = "1"
        os.nice(nice)
    endings: list[Callable[[], None]] = []
    if while_stdin_is_open:
        threading.Thread(target=_end_with_stdin, args=(endings,), daemon=True).start()
    try:
        found = _prepared(archive, plan.gib, while_stdin_is_open, endings)
    except KeyboardInterrupt:
        print("vasari: interrupted; the same command goes on where it was", file=sys.stderr)
        return ExitCode.INTERRUPTED
    print(_as_json(found) if json else _in_words(found))
    return ExitCode.SOME_INPUTS_FAILED if found.failures else ExitCode.DONE


def _prepared(archive: Path | None, gib: float, beside_a_server: bool, endings: list[Callable[[], None]]) -> Prepared:
    """Make a pass, by hand or quietly; `endings` gets what is to be done if it is to end in the middle."""
    with open_archive(archive) as opened:
        try:
            from vasari.app.web.iiif import preparing
        except ModuleNotFoundError as error:
            raise MissingExtraError("vasari archive prepare", "web") from error
        folder = opened.folder / _FOLDER
        endings.append(lambda: preparing.abandon(folder))
        with _watching(beside_a_server) as watch:
            return preparing.prepare(opened, folder, preparing.copies_in(folder, gib), watch, anew=not beside_a_server)


@contextmanager
def _watching(quiet: bool) -> Iterator[Watch]:
    """Show how far a pass is and what failed, if `quiet` the latter alone: the terminal is another's."""
    with nullcontext(Meter("preparing", "pictures")) if quiet else meter("preparing", "pictures") as pictures:

        def watch(done: int, total: int, path: str, error: VasariError | None) -> None:
            if not quiet:
                pictures.show(done, total, Path(path).name)
            if error is not None:
                pictures.failed(f"{path}: {error}")

        yield watch


def _as_json(found: Prepared) -> str:
    failures = [{"path": path, "error": error.message, "remedy": error.remedy} for path, error in found.failures]
    told = {"made": found.made, "bytes": found.bytes, "seconds": round(found.seconds, 3)}
    return json_text.dumps({**told, "without_room": found.without_room, "failures": failures}, ensure_ascii=True)


def _in_words(found: Prepared) -> str:
    if not (found.made or found.without_room or found.failures):
        return "Every picture has the reading copy that it needs."
    text = f"{counted(found.made, 'reading copy', 'reading copies')} made"
    if found.made:
        text += f": {found.bytes / 1e6:,.1f} MB in {duration(found.seconds)}"
    if found.without_room:
        text += f"; no room for {found.without_room} more (--gib)"
    return text + (f"; {counted(len(found.failures), 'file')} could not be read." if found.failures else ".")


def _end_with_stdin(endings: Sequence[Callable[[], None]]) -> None:
    """End at once when whoever holds the other end of stdin is gone: libvips cannot be asked to in the middle."""
    while os.read(0, 1024):
        pass
    for ending in endings:
        ending()
    os._exit(ExitCode.INTERRUPTED)
