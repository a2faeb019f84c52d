"""A sweep's report: one page of HTML, Markdown, CSV, JSON, drawings as SVG, and the chosen recipe, ready to train."""

from __future__ import annotations

import csv
import html
import io
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.toml_text import to_toml
from vasari.tasks.line_charts import COLORS, Chart, figure
from vasari.tasks.sweep.analysis import Findings, cell_means, findings
from vasari.tasks.sweep.drawings import forest, heat_map, number
from vasari.tasks.sweep.outcomes import FINISHED, curve
from vasari.tasks.sweep.running import Swept
from vasari.tasks.sweep.tables import (
    AXIS_HEAD,
    axis_rows,
    counts,
    plain,
    run_rows,
    title,
    trial_head,
    trial_rows,
)
from vasari.tasks.sweep.trials import Run
from vasari.tasks.training_page_style import STYLE

MOST_MAPS = 6
CURVES_SHOWN = COLORS
HOW = (
    "Intervals are of 95 %. What is repeated is the seed: a trial's interval and the test of the best trial against "
    "each other one (Welch; Holm over all of them) count seeds. An axis is judged by pairs of runs that differ in "
    "nothing else, all other axes and the seed alike; p by flipping their signs, Holm over the axis. Runs that failed "
    "or were stopped early have no partner and are left out there: look at the column “lost”. The best of many trials "
    "looks better than it is; run it again with other seeds before you rely on its number."
)


def write_report(swept: Swept) -> Path:
    """report.html, report.md, report.json, runs.csv, drawings/*.svg and chosen.toml in the sweep's folder; the page.

    There is no chosen.toml where no run finished.
    """
    found = findings(swept)
    folder = swept.folder
    for name, svg in drawings(swept, found).items():
        write_whole(folder / "drawings" / f"{name}.svg", f"{svg}\n".encode())
    write_whole(folder / "runs.csv", _csv(run_rows(swept)).encode())
    write_whole(folder / "report.json", f"{json.dumps(plain(swept, found), indent=2, ensure_ascii=False)}\n".encode())
    write_whole(folder / "report.md", markdown(swept, found).encode())
    if found.best is not None:
        write_whole(folder / "chosen.toml", chosen(swept, found).encode())
    return write_whole(folder / "report.html", page(swept, found).encode())


def chosen(swept: Swept, found: Findings) -> str:
    """The best trial as a recipe that `vasari train` takes, with a comment that says why; "" where none finished."""
    best = found.best
    if best is None:
        return ""
    run = next(one for one in swept.runs if one.trial.labels == best.trial.labels)
    others = [one for one in found.trials[1:] if one.adjusted < 0.05]
    lines = [
        f"# Chosen of {len(found.trials)} trials by {swept.judged.metric} ({swept.judged.direction}): "
        f"{best.trial.name}, {number(best.mean)} over {best.finished} of {swept.sweep.plan.seeds} seeds;",
        f"# better than {len(others)} of the others beyond chance (Welch, Holm, 5 %). Trained as long as in the sweep: "
        "raise train.images.",
    ]
    return "\n".join(lines) + "\n" + to_toml(run.recipe)


def drawings(swept: Swept, found: Findings) -> dict[str, str]:
    """Name -> SVG: a map for every two axes (at most six), the effects of every axis."""
    sign, metric = swept.judged.sign, swept.judged.metric
    better = "more is better" if sign > 0 else "less is better"
    made = {}
    for first, second in itertools.islice(itertools.combinations(swept.sweep.axes, 2), MOST_MAPS):
        labels = [list(dict.fromkeys(run.trial.labels[axis.name] for run in swept.runs)) for axis in (first, second)]
        cells = cell_means(swept, first.name, second.name)
        heading = f"{metric} ({better}; darker is better)"
        made[_file(f"{first.name}-{second.name}")] = heat_map(heading, labels[0], labels[1], cells, sign)
    for name, values in found.axes.items():
        if any(one.pairs for one in values):
            note = f"{metric} minus that of the best, matched runs; {better}"
            made[_file(name)] = forest(name, values, note)
    return made


def markdown(swept: Swept, found: Findings) -> str:
    """The report as Markdown: what was chosen, the axes, the trials."""
    parts = [f"# {title(swept)}", _words(swept, found)]
    for name, values in found.axes.items():
        parts += [f"## {name}", _piped(AXIS_HEAD, axis_rows(values))]
    parts += ["## Trials", _piped(trial_head(swept), trial_rows(swept, found)), HOW]
    return "\n\n".join(parts) + "\n"


def page(swept: Swept, found: Findings) -> str:
    """One page of HTML without scripts or outside requests."""
    heading = html.escape(title(swept))
    body = [f"<h1>{heading}</h1><p>{html.escape(_words(swept, found))}</p>"]
    figures = "".join(f"<figure>{one}</figure>" for one in drawings(swept, found).values())
    body.append(f'<div class="charts wide">{figures}</div>')
    for name, values in found.axes.items():
        body.append(f"<h2>{html.escape(name)}</h2>{_table(AXIS_HEAD, axis_rows(values))}")
    body.append(f"<h2>Trials</h2>{_table(trial_head(swept), trial_rows(swept, found))}")
    body.append(f'<p class="note">{html.escape(HOW)}</p>')
    body.append(f'<h2>Curves</h2><div class="charts">{"".join(_curves(swept, found))}</div>')
    failures = [(run.trial.name, str(run.seed), swept.outcomes[run.key].error) for run in swept.runs
                if run.key in swept.outcomes and swept.outcomes[run.key].error]  # fmt: skip
    if failures:
        body.append(f"<h2>Failures</h2>{_table(('trial', 'seed', 'why'), failures)}")
    if found.best is not None:
        text = html.escape(chosen(swept, found))
        body.append(f"<h2>Chosen</h2><details><summary>chosen.toml</summary><pre>{text}</pre></details>")
    style = f"{STYLE}.wide{{grid-template-columns:1fr}}.wide svg{{width:auto;max-width:100%}}"
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{heading}</title><style>{style}</style>'
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body><main>{"".join(body)}</main></body></html>\n'


def summary(swept: Swept, found: Findings) -> str:
    """The report for a terminal: what was chosen, and the trials' table."""
    return "\n".join([_words(swept, found), "", _columned(trial_head(swept), trial_rows(swept, found))])


def _words(swept: Swept, found: Findings) -> str:
    """What was run, what is best, and how sure that is, in sentences."""
    told, judged = counts(swept), swept.judged
    better = "more" if judged.sign > 0 else "less"
    seeds = swept.sweep.plan.seeds
    parts = [
        f"{len(found.trials)} trials of the recipe {swept.sweep.plan.recipe}, {seeds} "
        f"{'seed' if seeds == 1 else 'seeds'} each: of {told['runs']} runs {told['finished']} finished, "
        f"{told['pruned']} were stopped early, {told['failed']} failed, {told['not_run']} were not run; "
        f"{told['images']:,} pictures in {told['seconds'] / 60:.0f} minutes of processes.",
        f"Judged by {judged.metric} of the last validation; {better} is better.",
    ]
    if found.best is None:
        return " ".join([*parts, "No run finished."])
    best = found.best
    parts.append(f"Best: {best.trial.name}, {number(best.mean)}.")
    tested = [one for one in found.trials[1:] if one.adjusted == one.adjusted]
    surely = sum(one.adjusted < 0.05 for one in tested)
    if tested:
        parts.append(f"It is better beyond chance (5 %, after Holm) than {surely} of {len(tested)} others.")
    else:
        parts.append("With one seed each, no trial can be told from another beyond chance.")
    return " ".join(parts)


def _curves(swept: Swept, found: Findings) -> list[str]:
    """The best trials' curves, and of each axis the mean curves of its values (six at most)."""
    by_labels: dict[str, list[Run]] = {}
    for run in swept.runs:
        by_labels.setdefault(repr(run.trial.labels), []).append(run)
    best = [one.trial for one in found.trials if one.values][:CURVES_SHOWN]
    lines = {trial.name: _mean_curve(swept, by_labels[repr(trial.labels)]) for trial in best}
    charts = [Chart(f"{swept.judged.metric}: the best trials", lines, note="Across: images seen. Means over seeds.")]
    for name, values in found.axes.items():
        labels = [one.label for one in values if one.runs][:CURVES_SHOWN]
        lines = {
            one: _mean_curve(swept, [run for run in swept.runs if run.trial.labels[name] == one]) for one in labels
        }
        charts.append(Chart(f"{swept.judged.metric} by {name}", lines, note="Means over all finished runs."))
    return [figure(chart) for chart in charts]


def _mean_curve(swept: Swept, chosen: Sequence[Run]) -> list[tuple[float, float]]:
    """The mean of the finished runs' curves at each number of images that all of them share."""
    finished = [run for run in chosen if run.key in swept.outcomes and swept.outcomes[run.key].state == FINISHED]
    curves = [dict(curve(swept.folder, run.key, swept.judged.metric)) for run in finished]
    shared = set.intersection(*(set(one) for one in curves)) if curves else set()
    return [(float(at), fmean(one[at] for one in curves)) for at in sorted(shared)]


def _file(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in name)


def _piped(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def _columned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(one[column]) for one in [head, *rows]) for column in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [head, *rows])


def _csv(rows: Sequence[Sequence[object]]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
