"""`vasari inpaint`: a picture and what is missing in it in, the filled picture with its record out."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from vasari.app.cli.json_option import JSON
from vasari.app.cli.plan_options import with_plan
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode, PlanError
from vasari.tasks.inpaint.plan import InpaintPlan

if TYPE_CHECKING:
    from vasari.tasks.inpaint.files import Inpainted

MILLION = 1_000_000


@with_plan(InpaintPlan)
def inpaint(
    picture: Annotated[Path, Parameter(help="the picture with the hole; it is never written")],
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="file for the result")],
    mask: Annotated[Path | None, Parameter(help="picture of the same size, white where it is to be filled")] = None,
    box: Annotated[str | None, Parameter(help="X,Y,WIDTH,HEIGHT in pixels: fill this rectangle")] = None,
    damage: Annotated[bool, Parameter(help="fill what the restoring model finds damaged")] = False,
    page: Annotated[int, Parameter(help="page of a TIFF of several, counted from 1")] = 1,
    trust: Annotated[bool, Parameter(help="take files that look like decompression bombs")] = False,
    max_megapixels: Annotated[int, Parameter(help="refuse larger pictures")] = 4000,
    overwrite: Annotated[bool, Parameter(help="replace a file that is not as Vasari wrote it")] = False,
    json: JSON = False,
    plan: InpaintPlan,
) -> int:
    """Fill what a mask, a box or found damage takes from a picture; every other pixel stays bit-identical.

    Beside the result lies a record of what was done, NAME.treatment.json.
    """
    if page < 1:
        raise PlanError(f"page={page} is below 1.", remedy="count pages from 1")
    from vasari.foundation.image_formats import Limits
    from vasari.tasks.inpaint.files import Request, box_of, inpaint_file

    request = Request(
        picture, output, mask=mask, box=box_of(box) if box else (), damage=damage, page=page - 1, overwrite=overwrite
    )
    limits = Limits(max_pixels=max_megapixels * MILLION, trust=trust)
    try:
        with _shown(picture.name) as advance:
            done = inpaint_file(request, plan, limits=limits, advance=advance)
    except KeyboardInterrupt:
        print("vasari: interrupted; nothing was written", file=sys.stderr)
        return ExitCode.INTERRUPTED
    _tell(done, json)
    return ExitCode.DONE


def _tell(done: Inpainted, json: bool) -> None:
    if json:
        values = {name: getattr(done, name) for name in ("filled_pixels", "filled_share", "sha256")}
        values = {"result": str(done.result), "record": str(done.record), **values}
        print(json_text.dumps(values, ensure_ascii=True))
    elif done.filled_pixels:
        print(printable(f"{done.result}: {done.filled_share:.2%} of the picture filled."), file=sys.stderr)
    else:
        print(printable(f"{done.result}: nothing to fill, a copy of the picture."), file=sys.stderr)


@contextmanager
def _shown(name: str) -> Iterator[Callable[[float], None]]:
    """A bar with the time left on a terminal, nothing elsewhere; gives what is to be told the share done."""
    if not sys.stderr.isatty():
        yield lambda share: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(printable(name)[:32], total=1.0)
        yield lambda share: progress.update(task, completed=share)
