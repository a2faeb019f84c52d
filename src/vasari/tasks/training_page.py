"""RUN/report.html: one page on a training run, made from the run's folder alone, so that an old run gets one too.

Curves are inline SVG, pictures are links to RUN/pictures; nothing is asked of the network, and no script runs.
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vasari.foundation.runs import RunFolder
from vasari.tasks.line_charts import Chart, Points, figure
from vasari.tasks.training_page_style import STYLE

Line = Mapping[str, Any]

# What a line of the log counts, and what is no curve.
COUNTS = ("images_seen", "step", "skipped_steps", "seconds")
GRIDS_SHOWN = 8
DATA_FILE = "data.txt"

# Titles of the values that are drawn together; their names end so, or are the validation's.
TOGETHER: Mapping[str, tuple[str, ...]] = {
    "Gradient norms before clipping": (".gradient_norm",),
    "Learning rate": (".rate",),
    "Balance of the critic": (".balance",),
    "Diversity": ("validation/diversity", "validation/data_diversity"),
    "Coverage, precision and recall": ("validation/coverage", "validation/precision", "validation/recall"),
    "Nearest training picture": ("validation/nearest",),
}
NOTES: Mapping[str, str] = {
    "Balance of the critic": "Share of pairs in which it scores the real picture higher: 0.5 is undecided, 1 is won.",
    "Diversity": "Mean distance between two pictures, in features. Far below the data's: mode collapse.",
    "Coverage, precision and recall": "Coverage: share of the real pictures that have a made one near.",
    "Nearest training picture": "Distance of made pictures to their nearest training picture, over that of the "
    "training pictures to theirs. Near 0: copies.",
}
MARKS: Mapping[str, Mapping[str, float]] = {
    "Balance of the critic": {"undecided": 0.5},
    "Nearest training picture": {"as the data": 1.0},
}


def page(run: RunFolder) -> str:
    """The whole page as HTML; a folder without a log gives a page that says so. Raises `OSError` and `ValueError`."""
    lines = run.read_log()
    recipe_text = _text(run.path / "recipe.toml")
    recipe = tomllib.loads(recipe_text)
    name = html.escape(str(recipe.get("name") or run.path.resolve().name))
    body = [
        f"<h1>{name}</h1>",
        _state(lines, recipe),
        _events(lines),
        _charts(lines, recipe),
        _pictures(run),
        _facts(lines, recipe_text, _text(run.path / DATA_FILE)),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{name}: training</title><style>{STYLE}</style>'
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body><main>{"".join(body)}</main></body></html>\n'


def events_of(lines: Sequence[Line]) -> list[Line]:
    """All events in the order in which they happened: those of a try that was given up before its roll-back."""
    found: list[Line] = []
    for line in lines:
        if "event" in line:
            found += [*events_of(line.get("given_up", ())), line]
    return found


def curves_of(lines: Sequence[Line]) -> dict[str, Points]:
    """The points (images seen, value) of every value of the log by name, a validation's as "validation/NAME"."""
    found: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        if "event" in line:
            continue
        values = {f"validation/{name}": value for name, value in line.get("validation", {}).items()}
        if "validation" not in line:
            values = {name: value for name, value in line.items() if name not in COUNTS}
        for name, value in values.items():
            if isinstance(value, (int, float)):
                found.setdefault(name, []).append((line["images_seen"], float(value)))
    return dict(found)


def given_up_curves(lines: Sequence[Line]) -> list[dict[str, Points]]:
    """The curves of every try that was given up."""
    return [curves_of(line["given_up"]) for line in events_of(lines) if line.get("given_up")]


def _state(lines: Sequence[Line], recipe: Line) -> str:
    if not lines:
        return "<p>Nothing has been logged yet.</p>"
    seen = lines[-1]["images_seen"]
    asked = recipe.get("train", {}).get("images")
    facts = {"images seen": f"{seen:,}" + (f" of {asked:,} ({100 * seen / asked:.1f} %)" if asked else "")}
    steps = [line for line in lines if "seconds" in line]
    if steps:
        facts["hours"] = f"{steps[-1]['seconds'] / 3600:.2f}"
        facts["images a second"] = f"{steps[-1].get('images_per_second', 0):.4g}"
        facts["skipped steps"] = f"{steps[-1].get('skipped_steps', 0)}"
    facts["roll-backs"] = str(sum(line["event"] == "roll-back" for line in events_of(lines)))
    validations = [line["validation"] for line in lines if "validation" in line]
    latest = validations[-1] if validations else {}
    facts |= {name: f"{value:.4g}" for name, value in latest.items() if isinstance(value, (int, float))}
    cells = [f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd></div>" for name, text in facts.items()]
    return f'<dl class="state">{"".join(cells)}</dl>'


def _events(lines: Sequence[Line]) -> str:
    found = events_of(lines)
    if not found:
        return '<section><h2>Troubles</h2><p class="calm">None was seen.</p></section>'
    rows = "".join(
        f'<tr class="{html.escape(str(one["event"]))}"><td class="number">{one["images_seen"]:,}</td>'
        f"<td>{html.escape(str(one['event']))}</td><td>{html.escape(str(one.get('kind', '')))}</td>"
        f"<td>{html.escape(str(one.get('words', '')))}</td></tr>"
        for one in found
    )
    head = "<tr><th>images</th><th>event</th><th>trouble</th><th>what was seen and done</th></tr>"
    return f"<section><h2>Troubles</h2><table><thead>{head}</thead><tbody>{rows}</tbody></table></section>"


def _charts(lines: Sequence[Line], recipe: Line) -> str:
    curves, given_up = curves_of(lines), given_up_curves(lines)
    events = [
        (float(one["images_seen"]), str(one["event"]), f"{one['event']}: {one.get('kind', '')}: {one.get('words', '')}")
        for one in events_of(lines)
    ]

    def drawn(title: str, names: Sequence[str]) -> str:
        marks = dict(MARKS.get(title, {}))
        if title == "Balance of the critic" and "critic_wins_balance" in recipe.get("train", {}):
            marks["the critic wins"] = recipe["train"]["critic_wins_balance"]
        pieces = [_joined(curves[name], piece[name]) for piece in given_up for name in names if name in piece]
        shown = {name.removeprefix("validation/"): curves[name] for name in names}
        return figure(Chart(title, shown, pieces, events, marks, NOTES.get(title, "")))

    sections = []
    for heading, groups in _sections(list(curves)).items():
        figures = "".join(drawn(title, names) for title, names in groups.items())
        sections.append(f'<section><h2>{heading}</h2><div class="charts">{figures}</div></section>')
    legend = "Across: images seen. Dashed: a try that was given up. Upright: troubles and roll-backs."
    return (f'<p class="note">{legend}</p>' if sections else "") + "".join(sections)


def _joined(curve: Points, piece: Points) -> Points:
    """A piece that was given up, from the point of the curve where it left."""
    return [*[point for point in curve if point[0] < piece[0][0]][-1:], *piece]


def _sections(names: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Heading -> title of a chart -> names of its curves; headings without curves are left out."""
    together = {
        title: [name for name in names if any(_is(name, one) for one in ends)] for title, ends in TOGETHER.items()
    }
    taken = {name for chosen in together.values() for name in chosen}
    alone = {name.removeprefix("validation/"): [name] for name in names if name not in taken}
    rules: Mapping[str, Callable[[str], bool]] = {
        "Losses": lambda name: "/" not in name and "." in name,
        "Validation": lambda name: name.startswith("validation/"),
        "Speed": lambda name: "/" not in name and "." not in name,
    }
    sections = {"Stability": {title: chosen for title, chosen in together.items() if chosen}}
    for heading, rule in rules.items():
        sections[heading] = {title: chosen for title, chosen in alone.items() if rule(chosen[0])}
    return {heading: groups for heading, groups in sections.items() if groups}


def _is(name: str, end: str) -> bool:
    return name.endswith(end) if end.startswith(".") else name == end


def _pictures(run: RunFolder) -> str:
    by_name: dict[str, list[tuple[int, str]]] = {}
    for path in sorted((run.path / "pictures").glob("*.png")):
        if parts := re.fullmatch(r"(\d+)-(.+)", path.stem):
            by_name.setdefault(parts[2], []).append((int(parts[1]), path.name))
    sections = []
    if "nearest" in by_name:
        caption = "Made pictures beside the training pictures nearest to them: where they are the same, it copies."
        shown = _picture(*by_name.pop("nearest")[-1], "nearest")
        sections.append(f'<section><h2>Nearest training pictures</h2><p class="note">{caption}</p>{shown}</section>')
    for name, found in by_name.items():
        figures = "".join(_picture(seen, file, name) for seen, file in _spread(found, GRIDS_SHOWN))
        heading = html.escape(f"{name.capitalize()} over time")
        sections.append(f'<section><h2>{heading}</h2><div class="grids">{figures}</div></section>')
    return "".join(sections)


def _picture(images_seen: int, file: str, name: str) -> str:
    link = quote(f"pictures/{file}")
    words = html.escape(f"{name} after {images_seen:,} images")
    return (
        f'<figure class="picture"><a href="{link}"><img src="{link}" alt="{words}" loading="lazy"></a>'
        f"<figcaption>{images_seen:,} images</figcaption></figure>"
    )


def _spread(found: Sequence[tuple[int, str]], count: int) -> Iterator[tuple[int, str]]:
    """At most `count` of them, evenly spread, with the first and the last."""
    last, shown = len(found) - 1, min(count, len(found))
    return (found[round(index * last / max(shown - 1, 1))] for index in range(shown))


def _facts(lines: Sequence[Line], recipe: str, data: str) -> str:
    parts = []
    if data:
        told = "".join(f"<li>{html.escape(line)}</li>" for line in data.splitlines() if line.strip())
        parts.append(f"<h2>Data</h2><ul>{told}</ul>")
    if recipe:
        parts.append(
            f"<h2>Recipe</h2><details><summary>recipe.toml</summary><pre>{html.escape(recipe)}</pre></details>"
        )
    return f"<section>{''.join(parts)}</section>" if parts else ""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
