"""The lab: the models at hand with their licenses, trainings as they run, sweeps and benchmarks that were made here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import FileResponse

from vasari.app.web.errors import Refusal, not_found
from vasari.app.web.lab_folders import LOG, MOST_FOUND, REPORT, Found, LabFolders
from vasari.app.web.rendering import render
from vasari.app.web.route import Role, Route
from vasari.app.web.security.headers import SANDBOX_POLICY
from vasari.app.web.workbench import Bench, Workbench
from vasari.foundation.runs import RunFolder
from vasari.models import hub
from vasari.tasks.training_page import curves_of, events_of

RESULTS = "results"
MOST_POINTS, SHOWN_PICTURES = 400, 6
_GRID = re.compile(r"(?P<images>\d+)-(?P<name>[\w-]+)\.png")
_FOLDERS = LabFolders()


def page(request: Request, bench: Bench) -> Response:
    """The page."""
    runs, reports = _found(bench, LOG), _found(bench, REPORT)
    return render(
        request,
        "lab/lab.html",
        models=[_model(name) for name in hub.bundled()],
        runs=[shown for one in runs if (shown := _run(one)) is not None],
        reports=[one for one in reports if not (one.path / LOG).exists()],
    )


def run(request: Request, bench: Bench, id: str) -> Response:
    """One training: curves, pictures, recipe, what happened."""
    found = _named(bench, LOG, id)
    return render(
        request,
        "lab/run.html",
        run=_run(found),
        pictures=_grids(found.path),
        recipe=_text(found.path / "recipe.toml"),
        events=[_event(one) for one in events_of(_lines(found.path))][-20:],
    )


def curves(bench: Bench, id: str) -> dict[str, Any]:
    """The curves of a training, thinned to what a chart can show: name -> {"images": [...], "values": [...]}."""
    lines = _lines(_named(bench, LOG, id).path)
    return {name: _thin(points) for name, points in curves_of(lines).items()}


def grid(bench: Bench, id: str, name: str) -> Response:
    """A grid of pictures that a training wrote."""
    folder = _named(bench, LOG, id).path / "pictures"
    if not _GRID.fullmatch(name) or not (folder / name).is_file():
        raise not_found(f"the picture {name[:80]}")
    return FileResponse(folder / name, media_type="image/png")


def report(bench: Bench, id: str) -> Response:
    """The page that a sweep, a benchmark or an evaluation wrote."""
    headers = {"Content-Security-Policy": SANDBOX_POLICY}
    return FileResponse(_named(bench, REPORT, id).path / REPORT, media_type="text/html", headers=headers)


def _places(bench: Workbench) -> Iterator[tuple[str, Path]]:
    yield RESULTS, bench.folder / RESULTS
    for root in bench.settings.roots:
        yield Path(root).name, Path(root)


def _found(bench: Workbench, file: str) -> list[Found]:
    """The folders that hold `file`, newest first."""
    found = [one for name, place in _places(bench) for one in _FOLDERS.found(name, place) if one.file == file]
    return sorted(found, key=lambda one: -one.changed)[:MOST_FOUND]


def _named(bench: Workbench, file: str, id: str) -> Found:
    """The folder of an id; an address can name nothing but what `_found` finds."""
    for one in _found(bench, file):
        if one.id == id:
            return one
    raise not_found(f"the run {id[:40]}")


def _lines(folder: Path) -> list[dict[str, Any]]:
    """The log of a training; raises `Refusal` (404) for another program's file of that name."""
    try:
        lines = RunFolder(folder).read_log()
        if all("event" in line or line["images_seen"] >= 0 for line in lines):
            return lines
    except (OSError, ValueError, TypeError, KeyError):
        pass
    raise not_found("log of a training there")


@lru_cache(maxsize=64)
def _model(name: str) -> dict[str, Any]:
    recipe, path = hub.read_recipe(name), hub.find(name)
    data, failures = recipe.get("training_data", ()), recipe.get("failures", "")
    licenses = sorted({license for one in data for license in one.get("licenses", {})}) if data else []
    return {
        "name": name,
        "network": recipe["network"]["name"],
        "task": recipe.get("task", ""),
        "megabytes": path.stat().st_size / 1e6,
        "digest": hub.digest(path),
        "pictures": recipe.get("training_pictures"),
        "licenses": licenses,
        "metrics": recipe.get("metrics", {}),
        "failures": "; ".join([failures] if isinstance(failures, str) else failures),
    }


def _run(found: Found) -> dict[str, Any] | None:
    """How far a run is; None for a folder whose log is no training's."""
    progress = _progress(found.path, found.changed)
    return progress and {"id": found.id, "shown": found.shown, "changed": found.changed, **progress}


@lru_cache(maxsize=2 * MOST_FOUND)
def _progress(folder: Path, changed: float) -> dict[str, Any] | None:
    """What the last lines of a log say, as it was at `changed`: logs that have ended are read once."""
    try:
        lines = _lines(folder)
    except Refusal:
        return None
    last: dict[str, Any] = next((line for line in reversed(lines) if "images_per_second" in line), {})
    checked: dict[str, Any] = next((line for line in reversed(lines) if "validation" in line), {})
    return {
        "images": last.get("images_seen", 0),
        "speed": last.get("images_per_second"),
        "validation": checked.get("validation", {}),
    }


def _grids(folder: Path) -> list[tuple[str, int]]:
    """The latest picture grids: file name and images seen."""
    names = sorted(path.name for path in (folder / "pictures").glob("*.png")) if (folder / "pictures").is_dir() else []
    return [(name, int(match["images"])) for name in names[-SHOWN_PICTURES:] if (match := _GRID.fullmatch(name))]


def _event(line: Mapping[str, Any]) -> str:
    rest = ", ".join(f"{name} {value}" for name, value in line.items() if name not in ("event", "given_up"))
    return f"{line['event']}: {rest}"[:400]


def _thin(points: Any) -> dict[str, list[float]]:
    step = max(1, -(-len(points) // MOST_POINTS))
    kept = [*points[::step], *(points[-1:] if (len(points) - 1) % step else ())]
    return {"images": [one[0] for one in kept], "values": [one[1] for one in kept]}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


ROUTES = (
    Route("GET", "/lab", page, Role.VIEWER),
    Route("GET", "/lab/runs/{id}", run, Role.EDITOR),
    Route("GET", "/lab/runs/{id}/curves", curves, Role.EDITOR),
    Route("GET", "/lab/runs/{id}/pictures/{name}", grid, Role.EDITOR),
    Route("GET", "/lab/reports/{id}", report, Role.EDITOR),
)
