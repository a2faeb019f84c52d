"""`vasari demo`: a small album aged, restored, and shown on a page."""

from __future__ import annotations

import json as json_text
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.foundation.errors import ExitCode


def demo(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="folder for the page and the pictures")] = Path(
        "demo"
    ),
    json: Annotated[bool, Parameter(help="tell the scores as JSON on stdout", negative=())] = False,
) -> int:
    """Age a small album of real photographs, restore it, and write DIR/index.html to compare."""
    from vasari.app.demo.make import make_demo

    made = make_demo(output, lambda text: print(text, file=sys.stderr, flush=True))
    if json:
        print(json_text.dumps(made.to_dict()))
    return ExitCode.DONE
