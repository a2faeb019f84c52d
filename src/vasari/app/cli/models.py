"""`vasari models`: what is at hand, what it was trained on, how it does."""

from __future__ import annotations

import json as json_text
from typing import Annotated, Any

from cyclopts import App, Parameter

from vasari.app.cli.json_option import JSON
from vasari.foundation.errors import ExitCode

app = App(name="models", help="List and show the models at hand.")


@app.command(name="list")
def list_models(*, json: JSON = False) -> int:
    """The models that came with the package."""
    from vasari.models import hub

    rows = [_summary(name) for name in hub.bundled()]
    if json:
        print(json_text.dumps(rows, ensure_ascii=False))
    elif rows:
        for row in rows:
            print(f"{row['name']:24} {row['megabytes']:6.1f} MB  {row['network']}, task {row['task']}")
    else:
        print("No models came with this package.")
    return ExitCode.DONE


@app.command
def show(name: Annotated[str, Parameter(help="a bundled name, or a .safetensors file")], *, json: JSON = False) -> int:
    """The card of a model: network, training data with licenses, metrics with protocol, digest."""
    from vasari.models import hub

    values = {**_summary(name), "recipe": hub.read_recipe(name)}
    if json:
        print(json_text.dumps(values, ensure_ascii=False))
    else:
        print("\n".join(_lines(values)))
    return ExitCode.DONE


def _summary(name: str) -> dict[str, Any]:
    from vasari.models import hub

    path, recipe = hub.find(name), hub.read_recipe(name)
    return {
        "name": path.stem,
        "network": recipe["network"]["name"],
        "task": recipe.get("task", "unknown"),
        "megabytes": round(path.stat().st_size / 1e6, 2),
        "sha256": hub.digest(path),
        "path": str(path),
    }


def _lines(values: Any, indent: int = 0) -> list[str]:
    """Nested tables and lists as indented lines."""
    pad = "  " * indent
    if isinstance(values, dict):
        lines = []
        for key, value in values.items():
            if isinstance(value, (dict, list)) and value:
                lines += [f"{pad}{key}:", *_lines(value, indent + 1)]
            else:
                lines.append(f"{pad}{key}: {value}")
        return lines
    if isinstance(values, list):
        return [
            line for one in values for line in (_lines(one, indent) if isinstance(one, dict) else [f"{pad}- {one}"])
        ]
    return [f"{pad}{values}"]
