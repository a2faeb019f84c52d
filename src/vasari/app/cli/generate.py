"""`vasari generate`: pictures out of a trained generator, with their records."""

from __future__ import annotations

import contextlib
import json as json_text
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted
from vasari.app.cli.plan_options import with_plan
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode, PlanError
from vasari.tasks.generate.folder import Advance, FolderOptions, Made, Target, generate_files
from vasari.tasks.generate.sampling_plan import SamplingPlan, WalkPlan

if TYPE_CHECKING:
    from vasari.tasks.generate.directions import Direction


@with_plan(SamplingPlan)
def generate(
    model: Annotated[str, Parameter(help="a bundled model's name, a .safetensors file, or an address")],
    *,
    number: Annotated[int, Parameter(name=["--number", "-n"], help="how many pictures")] = FolderOptions.number,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="folder for the results")] = None,
    only_grid: Annotated[bool, Parameter(help="the contact sheet alone")] = False,
    walk: Annotated[Path | None, Parameter(help="a clip from picture to picture: its name in DIR")] = None,
    stops: Annotated[str, Parameter(help="pictures that it passes: SEED or SEED:NUMBER,...; empty: all made")] = "",
    step_s: Annotated[float, Parameter(help="seconds from one to the next")] = WalkPlan.step_s,
    fps: Annotated[int, Parameter(help="frames a second")] = WalkPlan.fps,
    one_way: Annotated[bool, Parameter(help="end at the last instead of coming back to the first")] = False,
    list_edits: Annotated[bool, Parameter(help="tell the edit directions of the model, measured")] = False,
    overwrite: Annotated[bool, Parameter(help="replace files in DIR that are not as Vasari wrote them")] = False,
    json: JSON = False,
    plan: SamplingPlan,
) -> int:
    """Make pictures by a trained generator into a folder, each with a record.

    Picture 3 of seed 7 is the same whatever is made beside it. The same command again goes on where it was; over a
    finished folder it does nothing.
    """
    if list_edits:
        return _list_edits(model, plan, json)
    if output is None:
        raise PlanError("No output folder was named.", remedy="add -o DIR")
    on_the_way = WalkPlan(tuple(one.strip() for one in stops.split(",") if one.strip()), step_s, fps, one_way)
    if walk is None and on_the_way != WalkPlan():
        raise PlanError("There are options of a walk, and no walk.", remedy="add --walk clip.mp4")
    options = FolderOptions(output, number, only_grid, walk, overwrite)
    try:
        with _progress() as advance:
            made = generate_files(model, options, plan, on_the_way, advance)
    except KeyboardInterrupt:
        print("vasari: interrupted; the same command goes on where it was", file=sys.stderr)
        return ExitCode.INTERRUPTED
    if json:
        print(json_text.dumps(made_values(made, output), ensure_ascii=True))
    else:
        print(printable(_sentence(made, output)), file=sys.stderr)
    return ExitCode.DONE


def made_values(made: Made, output: Path) -> dict[str, Any]:
    """The outcome as plain values."""
    return {
        "output": str(output),
        "made": [str(path) for path in made.made],
        "already_made": [str(path) for path in made.already_made],
    }


def direction_values(direction: Direction) -> dict[str, Any]:
    """A direction as plain values, less its vector."""
    return {
        "name": direction.name,
        "kind": direction.kind,
        "layers": direction.layers,
        "moves": direction.moves,
        "effects": {name: round(value, 3) for name, value in direction.effects.items()},
        "side_effects": round(direction.side_effects, 3),
        "steady": round(direction.steady, 3),
        "explained": round(direction.explained, 4),
    }


def _list_edits(model: str, plan: SamplingPlan, json: bool) -> int:
    from vasari.tasks.generate.apply import load_generator
    from vasari.tasks.generate.directions import Explorer

    explorer = Explorer(load_generator(model, plan.device)[0])
    rows = [direction_values(one) for one in explorer.all()]
    if json:
        print(json_text.dumps(rows))
        return ExitCode.DONE
    attributes = list(rows[0]["effects"])
    print(f"{'direction':32} {'side effects':>12} {'steady':>6}  {' '.join(f'{name:>10}' for name in attributes)}")
    for row in rows:
        effects = " ".join(f"{value:+10.2f}" for value in row["effects"].values())
        print(f"{row['name']:32} {row['side_effects']:12.0%} {row['steady']:6.0%}  {effects}")
    print(
        "Effects: from amount -2 to 2, in deviations over the model's pictures. Side effects: share of the change\n"
        "that is not in what the direction moves most. Steady: share of pictures in which that rises at every step.",
        file=sys.stderr,
    )
    return ExitCode.DONE


def _sentence(made: Made, output: Path) -> str:
    if not made.made:
        return f"Nothing to do: {counted(len(made.already_made), 'file')} in {output} as they should be."
    before = f"; {len(made.already_made)} made before" if made.already_made else ""
    return f"{counted(len(made.made), 'file')} made in {output}{before}."


@contextlib.contextmanager
def _progress() -> Iterator[Advance]:
    """A bar with the time left where stderr is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield lambda target, share: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("making", total=1.0)

        def advance(target: Target, share: float) -> None:
            bar.update(task, completed=share, description=printable(target.path.name)[:32])

        yield advance
