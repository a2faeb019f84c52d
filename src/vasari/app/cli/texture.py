"""`vasari texture`: a sample in, a texture of any size out."""

from __future__ import annotations

import contextlib
import json as json_text
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import duration
from vasari.app.cli.plan_options import with_plan
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode, PlanError
from vasari.tasks.texture.plan import GAN, TexturePlan

SECONDS_BETWEEN_LINES = 10.0


@with_plan(TexturePlan)
def texture(
    sample: Annotated[Path, Parameter(help="a picture of the texture, 32 px a side or more")],
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="file of the result")] = None,
    run: Annotated[Path | None, Parameter(help="gan: keep the training in this folder, and go on with it")] = None,
    overwrite: Annotated[bool, Parameter(help="replace OUT where it is not as Vasari wrote it")] = False,
    json: JSON = False,
    plan: TexturePlan,
) -> int:
    """Make a texture like SAMPLE, of any size, with a record of how it was made.

    The same seed gives the same texture; over a finished file the same command does nothing.
    """
    if output is None:
        raise PlanError("No output file was named.", remedy="add -o texture.png")
    if run is not None and (plan.chosen != GAN or plan.model):
        raise PlanError("A run folder is of use only where a generator is trained.", remedy="leave out --run")
    from vasari.tasks.texture.file import texture_file

    began = time.monotonic()
    try:
        with _progress() as advance:
            made = texture_file(sample, output, plan, run=run, overwrite=overwrite, advance=advance)
    except KeyboardInterrupt:
        kept = f"; go on with the same command, --run {run} kept the training" if run else ""
        print(f"vasari: interrupted{kept}", file=sys.stderr)
        return ExitCode.INTERRUPTED
    seconds = time.monotonic() - began
    if json:
        values = {"result": str(made.result), "record": str(made.record), "method": plan.chosen}
        print(json_text.dumps({**values, "already_made": made.was_there, "seconds": round(seconds, 1)}))
    elif made.was_there:
        print(printable(f"Nothing to do: {made.result} is as it should be."), file=sys.stderr)
    else:
        print(printable(f"{made.result}: made in {duration(seconds)}."), file=sys.stderr)
    return ExitCode.DONE


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """A bar with the time left where stderr is a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("texture", total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _lines() -> Callable[[float], None]:
    began: list[float] = []
    told: list[float] = []

    def advance(share: float) -> None:
        now = time.monotonic()
        if not began:
            began.append(now)
            told.append(now)
        if now - told[0] >= SECONDS_BETWEEN_LINES and 0 < share < 1:
            told[0] = now
            left = (now - began[0]) * (1 - share) / share
            print(f"{share:.0%}, about {duration(left)} left", file=sys.stderr, flush=True)

    return advance
