"""`vasari train`: a recipe, folders of pictures, a run folder."""

from __future__ import annotations

import json as json_text
import signal
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.messages import counted, duration
from vasari.foundation.errors import ExitCode


def train(
    recipe: Annotated[str, Parameter(help="a recipe that ships (restore, denoise ...), or a TOML file")],
    *,
    data: Annotated[list[Path], Parameter(help="folder of pictures; may be given several times", negative=())],
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="run folder: recipe, log, checkpoints, weights")],
    set: Annotated[
        list[str], Parameter(help="change the recipe, as train.batch=32; may be given several times", negative=())
    ] = [],  # noqa: B006 - never changed, and what the command line shows as its default
    resume: Annotated[bool, Parameter(help="go on from the newest checkpoint, to the same curve", negative=())] = False,
    json: Annotated[bool, Parameter(help="tell the outcome as JSON on stdout", negative=())] = False,
) -> int:
    """Train a model by a recipe; Ctrl-C saves a checkpoint, and --resume goes on to the same curve."""
    from vasari.tasks.recipe import train_recipe

    done = train_recipe(recipe, tuple(data), output, tuple(set), resume)
    if json:
        print(json_text.dumps(done))
    else:
        words = f"{counted(done['images_seen'], 'image')} in {duration(done['seconds'])}"
        state = "finished" if done["finished"] else f"stopped by {done['stopped_by']}; go on with --resume"
        print(f"{output}: {words}, {state}.", file=sys.stderr)
    return ExitCode.INTERRUPTED if done["stopped_by"] == signal.SIGINT.name else ExitCode.DONE
