"""An outcome as text, Markdown, CSV and one page of HTML that needs no network: pure functions, and one that writes."""

from __future__ import annotations

import csv
import html
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path

from vasari.foundation.atomic_files import write_whole
from vasari.tasks.evaluate.intervals import Comparison
from vasari.tasks.evaluate.outcome import Measured, Outcome, Score, columns
from vasari.tasks.training_page_style import STYLE

SCORE_HEAD = ("method", "metric", "value", "95 % interval", "n", "better")
TEST_HEAD = ("first - second", "metric", "difference", "95 % interval", "p", "p (Holm)", "n")
WIDTH, ROW, LEFT = 420, 18, 130
MORE_STYLE = """
svg.intervals{max-width:560px}
svg .interval{stroke-width:2}
svg circle{fill:var(--c0)}
"""


def number(value: float, digits: int = 4) -> str:
    """A number in few digits; "—" where there is none."""
    if math.isnan(value):
        return "—"
    return f"{value:.{digits}g}" if abs(value) < 1e4 else f"{value:.0f}"


def interval(low: float, high: float) -> str:
    """Two ends in words."""
    return "—" if math.isnan(low) or math.isnan(high) else f"{number(low)} to {number(high)}"


def score_rows(outcome: Outcome) -> list[tuple[str, ...]]:
    """A row for every score, as `SCORE_HEAD`."""
    return [
        (one.method, _metric(score), number(score.value), interval(score.low, score.high), str(score.n), score.better)
        for one in outcome.methods
        for score in one.scores
    ]


def test_rows(outcome: Outcome) -> list[tuple[str, ...]]:
    """A row for every test, as `TEST_HEAD`."""
    first = outcome.methods[0].method
    return [(f"{first} - {name}", *_test(test)) for name, tests in outcome.comparisons for test in tests]


def text(outcome: Outcome) -> str:
    """The tables for a terminal, with warnings and failures."""
    parts = [_columned(SCORE_HEAD, score_rows(outcome))]
    if outcome.comparisons:
        parts.append(_columned(TEST_HEAD, test_rows(outcome)))
    parts += [f"Note ({one.method}): {words}" for one in outcome.methods for words in one.warnings]
    parts += [f"Not scored ({one.method}): {name}: {why}" for one in outcome.methods for name, why in one.failed]
    # Of the first method alone: others' differ by their counts, which the table has.
    parts += [f"{score.metric}: {score.protocol}." for score in outcome.methods[0].scores]
    return "\n".join(parts)


def markdown(outcome: Outcome) -> str:
    """The tables as Markdown, with protocols."""
    parts = [f"# {_title(outcome)}", _facts(outcome), _piped(SCORE_HEAD, score_rows(outcome))]
    if outcome.comparisons:
        parts += ["Differences (p by flipping signs):", _piped(TEST_HEAD, test_rows(outcome))]
    parts.append("\n".join(f"- `{metric}`: {protocol}." for metric, protocol in _protocols(outcome)))
    notes = [f"- {one.method}: {words}" for one in outcome.methods for words in one.warnings]
    notes += [f"- {one.method}: {name} was not scored: {why}" for one in outcome.methods for name, why in one.failed]
    return "\n\n".join([*parts, *(["\n".join(notes)] if notes else [])]) + "\n"


def scores_csv(outcome: Outcome) -> str:
    """Every score with its ends and protocol, unrounded."""
    head = ["method", "metric", "value", "low", "high", "n", "better", "unit", "protocol"]
    rows = [
        [one.method, s.metric, _exact(s.value), _exact(s.low), _exact(s.high), s.n, s.better, s.unit, s.protocol]
        for one in outcome.methods
        for s in one.scores
    ]
    return _csv([head, *rows])


def pictures_csv(outcome: Outcome) -> str:
    """A row for every picture of every method, unrounded."""
    metrics = columns([row for one in outcome.methods for row in one.pictures])
    rows: list[list[object]] = [["method", "name", *metrics]]
    for one in outcome.methods:
        for name, values in one.pictures:
            rows.append([one.method, name, *(_exact(values.get(metric, math.nan)) for metric in metrics)])
    return _csv(rows)


def page(outcome: Outcome) -> str:
    """One page of HTML: tables, intervals drawn, protocols, what failed; no scripts, nothing from elsewhere."""
    title = html.escape(_title(outcome))
    body = [f"<h1>{title}</h1><p>{html.escape(_facts(outcome))}</p>", _table(SCORE_HEAD, score_rows(outcome))]
    metrics = list(dict.fromkeys(score.metric for one in outcome.methods for score in one.scores))
    body.append(f'<div class="charts">{"".join(_drawing(metric, outcome.methods) for metric in metrics)}</div>')
    if outcome.comparisons:
        body.append(f"<h2>Differences</h2>{_table(TEST_HEAD, test_rows(outcome))}")
        how = "Two-sided, by flipping the signs of the differences; Holm over the metrics."
        how = "Of distances of sets there is no p." if outcome.kind == "sets" else how
        body.append(f'<p class="note">{how}</p>')
    body.append(f"<h2>Protocols</h2>{_table(('metric', 'protocol'), _protocols(outcome))}")
    notes = [(one.method, words) for one in outcome.methods for words in one.warnings]
    body.append(f"<h2>Notes</h2>{_table(('method', 'note'), notes)}" if notes else "")
    failed = [(one.method, name, why) for one in outcome.methods for name, why in one.failed]
    body.append(f"<h2>Not scored</h2>{_table(('method', 'picture', 'why'), failed)}" if failed else "")
    body.append(_worst(outcome))
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title><style>{STYLE}{MORE_STYLE}</style>'
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body><main>{"".join(body)}</main></body></html>\n'


def write_report(outcome: Outcome, folder: Path) -> Path:
    """report.html, report.md, report.json, scores.csv and pictures.csv in a folder; the page's path."""
    write_whole(folder / "scores.csv", scores_csv(outcome).encode())
    if any(one.pictures for one in outcome.methods):
        write_whole(folder / "pictures.csv", pictures_csv(outcome).encode())
    write_whole(folder / "report.md", markdown(outcome).encode())
    write_whole(folder / "report.json", (json.dumps(outcome.to_dict(), indent=2, ensure_ascii=False) + "\n").encode())
    return write_whole(folder / "report.html", page(outcome).encode())


def _drawing(metric: str, methods: Sequence[Measured]) -> str:
    """A metric of all methods: a point each with its interval."""
    found = [(one.method, score) for one in methods for score in one.scores if score.metric == metric]
    shown = [(name, score) for name, score in found if math.isfinite(score.value)]
    if not shown:
        return ""
    ends = [end for _, s in shown for end in (s.value, s.low, s.high) if math.isfinite(end)]
    low, high = min(ends), max(ends)
    margin = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    low, high = low - margin, high + margin

    def place(value: float) -> float:
        return round(LEFT + (value - low) / (high - low) * (WIDTH - LEFT - 8), 1)

    parts = []
    for row, (name, score) in enumerate(shown):
        y = row * ROW + 12
        parts.append(f'<text x="0" y="{y + 3}">{html.escape(name[:22])}</text>')
        if math.isfinite(score.low) and math.isfinite(score.high):
            parts.append(f'<path class="interval line-0" d="M{place(score.low)} {y}H{place(score.high)}"/>')
        told = html.escape(f"{number(score.value)} ({interval(score.low, score.high)})")
        parts.append(f'<circle cx="{place(score.value)}" cy="{y}" r="3.5"><title>{told}</title></circle>')
    bottom = len(shown) * ROW + 16
    parts.append(f'<text x="{LEFT}" y="{bottom}">{number(low)}</text>')
    parts.append(f'<text x="{WIDTH - 8}" y="{bottom}" text-anchor="end">{number(high)}</text>')
    words = html.escape(metric)
    svg = f'<svg class="intervals" viewBox="0 0 {WIDTH} {bottom + 4}" role="img" aria-label="{words}">'
    return f'<figure class="chart"><h3>{words}</h3>{svg}{"".join(parts)}</svg></figure>'


def _worst(outcome: Outcome, shown: int = 20) -> str:
    """The pictures of the first method, worst first by its first metric; all are in pictures.csv."""
    first = outcome.methods[0]
    metrics = columns(first.pictures)
    if not metrics:
        return ""
    falls = any(score.metric == metrics[0] and score.better == "lower" for score in first.scores)
    ranked = sorted(first.pictures, key=lambda row: row[1][metrics[0]], reverse=falls)[:shown]
    rows = [(name, *(number(values.get(metric, math.nan)) for metric in metrics)) for name, values in ranked]
    return f"<h2>Pictures by {html.escape(metrics[0])}</h2>{_table(('picture', *metrics), rows)}"


def _title(outcome: Outcome) -> str:
    what = {"pairs": "picture by picture against", "sets": "as a set against"}.get(outcome.kind, "without a truth")
    return f"{outcome.methods[0].method} {what} {Path(outcome.against).name}".rstrip()


def _facts(outcome: Outcome) -> str:
    facts = outcome.facts
    return f"Vasari {facts.get('vasari', '')}, {facts.get('date', '')}; intervals of 95 %."


def _protocols(outcome: Outcome) -> list[tuple[str, str]]:
    """Every metric's protocol; where methods' differ (by n), each with the method's name."""
    found: dict[str, dict[str, str]] = {}
    for one in outcome.methods:
        for score in one.scores:
            found.setdefault(score.metric, {})[one.method] = score.protocol
    rows = []
    for metric, by_method in found.items():
        if len(set(by_method.values())) == 1:
            rows.append((metric, next(iter(by_method.values()))))
        else:
            rows += [(f"{metric}, {method}", protocol) for method, protocol in by_method.items()]
    return rows


def _metric(score: Score) -> str:
    return f"{score.metric} ({score.unit})" if score.unit else score.metric


def _test(test: Comparison) -> tuple[str, ...]:
    ends = interval(test.low, test.high)
    return (test.metric, number(test.difference), ends, number(test.p, 2), number(test.adjusted, 2), str(test.pictures))


def _columned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(one[column]) for one in [head, *rows]) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [head, *rows]]
    return "\n".join([*lines, ""])


def _piped(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def _csv(rows: Sequence[Sequence[object]]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def _exact(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))
