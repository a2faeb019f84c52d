"""`vasari styles`: the named styles at hand, with their sources and rights, and the user's own."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from vasari.app.cli.json_option import JSON
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode, PlanError
from vasari.tasks.stylize import styles

app = App(name="styles", help="List and show named styles, add your own, remove them.")


@app.command(name="list")
def list_styles(*, json: JSON = False) -> int:
    """The styles that came with the package, and those that were added."""
    rows = [_row(name) for name in styles.named()]
    if json:
        print(json_text.dumps(rows, ensure_ascii=True))
    elif rows:
        width = max(len(row["name"]) for row in rows)
        for row in rows:
            about = ", ".join(row[key] for key in ("title", "artist", "date") if row[key])
            own = "" if row["bundled"] else "  (your own)"
            print(printable(f"{row['name']:{width}}  {about or row['source']}{own}"))
    else:
        print("No styles are at hand; add one: vasari styles add NAME PICTURE")
    return ExitCode.DONE


@app.command
def show(name: Annotated[str, Parameter(help="a named style, or the file of one")], *, json: JSON = False) -> int:
    """A style with its source, its rights and the digest of its file."""
    row = _row(name)
    if json:
        print(json_text.dumps(row, ensure_ascii=True))
    else:
        print(printable("\n".join(f"{key}: {value}" for key, value in row.items())))
    return ExitCode.DONE


@app.command
def add(
    name: Annotated[str, Parameter(help="what it is to be called: small letters, digits and hyphens")],
    *pictures: Annotated[Path, Parameter(help="the picture; of several the mean is taken")],
    title: Annotated[str, Parameter(help="of the picture")] = "",
    artist: Annotated[str, Parameter(help="who made it")] = "",
    date: Annotated[str, Parameter(help="when it was made")] = "",
    source: Annotated[str, Parameter(help="where the picture is from")] = "",
    rights: Annotated[str, Parameter(help="its license, or who owns it")] = "",
    scale: Annotated[float, Parameter(help="size of the strokes, 0.25..4; as --style-scale")] = 1.0,
    json: JSON = False,
) -> int:
    """Keep the style of a picture under a name; the picture itself is not needed any more, and not kept."""
    if not 0.25 <= scale <= 4:
        raise PlanError(f"scale={scale:g} is not in 0.25..4.", remedy="use --scale 1 for the usual size")
    facts = {"title": title, "artist": artist, "date": date, "source": source, "rights": rights}
    path = styles.add(name, pictures, facts, scale=scale)
    return _told({"name": name, "path": str(path)}, f"{name} added: {path}", json)


@app.command
def remove(name: Annotated[str, Parameter(help="one of your own")], *, json: JSON = False) -> int:
    """Forget a style of your own; those of the package stay."""
    path = styles.remove(name)
    return _told({"name": name, "path": str(path)}, f"{name} removed: {path}", json)


def _told(values: dict[str, str], words: str, json: bool) -> int:
    print(json_text.dumps(values, ensure_ascii=True) if json else printable(words))
    return ExitCode.DONE


def _row(name: str) -> dict[str, Any]:
    """What is known of a style; raises `PlanError` where it is a picture."""
    found = styles.find(name)
    if not found.is_code:
        raise PlanError(f"{name} is a picture, not a saved style.", remedy=f"keep it: vasari styles add NAME {name}")
    facts = {key: found.facts.get(key, "") for key in styles.FACTS}
    bundled = styles.is_bundled(found.path)
    return {"name": found.path.stem, **facts, "bundled": bundled, "sha256": found.digest, "path": str(found.path)}
