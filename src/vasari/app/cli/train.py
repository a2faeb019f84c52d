"""`vasari train`: a recipe, sources of pictures, a run folder."""

from __future__ import annotations

import json as json_text
import re
import signal
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted, duration
from vasari.app.cli.plan_options import with_plans
from vasari.app.engines import EnginePlan, trained_by
from vasari.foundation.errors import ExitCode, PlanError

SYNOPSIS = "vasari train RECIPE --data DATA -o RUN"


@with_plans(where=EnginePlan)
def train(
    recipe: Annotated[
        str | None, Parameter(help="a recipe that ships (see --list), or a TOML file", show_default=False)
    ] = None,
    *,
    data: Annotated[
        list[str],
        Parameter(
            help="folder of pictures, .txt list, .csv table, .zip or hf://OWNER/NAME[:SPLIT]; "
            "may be given several times",
            negative=(),
            show_default=False,
        ),
    ] = [],  # noqa: B006 - never changed
    output: Annotated[
        Path | None,
        Parameter(name=["--output", "-o"], help="run folder: recipe, log, checkpoints, weights", show_default=False),
    ] = None,
    set: Annotated[
        list[str], Parameter(help="change the recipe, as train.batch=32; may be given several times", negative=())
    ] = [],  # noqa: B006 - never changed, and what the command line shows as its default
    resume: Annotated[bool, Parameter(help="go on from the newest checkpoint, to the same curve", negative=())] = False,
    check: Annotated[bool, Parameter(help="read the data, tell what is in it, and train nothing", negative=())] = False,
    shipped: Annotated[
        bool, Parameter(name="--list", help="list the recipes that ship, and do nothing else", negative=())
    ] = False,
    json: JSON = False,
    where: EnginePlan,
) -> int:
    """Train a model by a recipe; Ctrl-C saves a checkpoint, and --resume goes on to the same curve."""
    if shipped:
        return _list(json)
    if recipe is None:
        raise PlanError("No recipe was named.", remedy=f"write: {SYNOPSIS}; vasari train --list shows those that ship")
    if not data:
        raise PlanError("No data were named.", remedy=f"write: {SYNOPSIS}; DATA is a folder of pictures, for one")
    if check:
        return _check(recipe, tuple(data), tuple(set), json)
    if output is None:
        raise PlanError("No run folder was named.", remedy="add -o RUN; or --check, to read the data alone")
    done = trained_by(where, recipe, tuple(data), output, tuple(set), resume)
    if json:
        print(json_text.dumps(done))
    else:
        words = f"{counted(done['images_seen'], 'image')} in {duration(done['seconds'])}"
        state = "finished" if done["finished"] else f"stopped by {done['stopped_by']}; go on with --resume"
        print(f"{output}: {words}, {state}.", file=sys.stderr)
    return ExitCode.INTERRUPTED if done["stopped_by"] == signal.SIGINT.name else ExitCode.DONE


def _list(json: bool) -> int:
    """The recipes that ship, one a line with the first sentence of the comment they begin with."""
    from vasari.tasks import recipe

    described = {name: recipe.describe(name) for name in recipe.shipped()}
    if json:
        rows = [{"name": name, "description": text} for name, text in described.items()]
        print(json_text.dumps(rows, ensure_ascii=False))
    else:
        for name, text in described.items():
            print(f"{name:16} {first_sentence(text)}".rstrip())
    return ExitCode.DONE


def first_sentence(text: str) -> str:
    """The text up to its first full stop before a capital letter: "et al. 2017" ends none."""
    return re.split(r"(?<=\.)\s+(?=[A-Z`-])", text, maxsplit=1)[0]


def _check(recipe: str, data: tuple[str, ...], settings: tuple[str, ...], json: bool) -> int:
    from vasari.tasks.recipe import check_data

    lines = check_data(recipe, data, settings)
    if json:
        print(json_text.dumps({"recipe": recipe, "data": list(data), "report": list(lines)}, ensure_ascii=False))
    else:
        print("\n".join(lines))
    return ExitCode.DONE
