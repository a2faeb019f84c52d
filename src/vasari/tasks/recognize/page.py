"""The report of a training: scores with intervals, confusion, calibration and examples, as one page without scripts."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import PictureError
from vasari.tasks.recognize.calibration import NEVER, Bin
from vasari.tasks.recognize.evaluation import Evaluation
from vasari.tasks.recognize.fitting import Trained
from vasari.tasks.recognize.labels import LabeledPicture
from vasari.tasks.recognize.pictures import read_pixels
from vasari.tasks.training_page_style import STYLE

EXAMPLES = 12  # of right answers, and of wrong ones
THUMBNAIL_PX = 160
SIDE = 260  # of the calibration's drawing

MORE_STYLE = """
.confusion td,.confusion th{padding:3px 6px;text-align:right;font-variant-numeric:tabular-nums}
.confusion td{background:color-mix(in srgb,var(--c0) calc(var(--share)*70%),transparent)}
.answers{display:grid;grid-template-columns:repeat(auto-fill,minmax(160px,1fr));gap:14px}
.calibration{max-width:360px}
rect.bar{fill:var(--c0);opacity:.75}
"""

NAMES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}


def write_page(trained: Trained, path: Path, title: str) -> Path:
    """Write the page of a training; its pictures are small copies inside it."""
    return write_whole(path, page(trained, title).encode())


def page(trained: Trained, title: str) -> str:
    """The whole page as HTML."""
    found, name = trained.evaluation, html.escape(title)
    notes = "".join(f"<li>{html.escape(one)}</li>" for one in trained.notes)
    body = [
        f"<h1>{name}</h1>",
        f"<p>{html.escape(summary(trained))}</p>",
        _scores(found),
        f"<h2>Notes</h2><ul>{notes}</ul>" if notes else "",
        _confusion(found),
        _classes(found),
        _calibration(trained),
        _examples(trained),
        _card(trained),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{name}: recognizer</title>'
        f"<style>{STYLE}{MORE_STYLE}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body><main>{"".join(body)}</main></body></html>\n'


def summary(trained: Trained) -> str:
    """The outcome in one sentence."""
    found, recognizer = trained.evaluation, trained.recognizer
    low, high = found.intervals["balanced_accuracy"]
    apart = (
        "no artist is in training and test"
        if recognizer.facts["split"]["group_by"] == "artist"
        else ("works of one artist are in training and test alike")
    )
    return (
        f"In this collection, on {found.pictures} pictures kept apart ({found.groups} groups; {apart}): balanced "
        f"accuracy {found.scores['balanced_accuracy']:.0%} ({low:.0%} to {high:.0%}), chance "
        f"{found.chance['balanced_accuracy']:.0%}; accuracy {found.scores['accuracy']:.0%}, always the most frequent "
        f"class {found.chance['accuracy']:.0%}. {_answered(found)}"
    )


def _answered(found: Evaluation) -> str:
    if found.precision is None:
        return "It answers none of them: unknown."
    return f"It answers {found.coverage:.0%} of them, {found.precision:.0%} of these rightly; the rest is unknown."


def _scores(found: Evaluation) -> str:
    rows = []
    for key, words in NAMES.items():
        low, high = found.intervals[key]
        blind = f"{found.chance[key]:.3f}" if key in found.chance else ""
        rows.append(
            f'<tr><td>{words}</td><td class="number">{found.scores[key]:.3f}</td>'
            f'<td class="number">{low:.3f} to {high:.3f}</td><td class="number">{blind}</td></tr>'
        )
    head = "<tr><th>score</th><th>test part</th><th>95 % (bootstrap of artists)</th><th>chance</th></tr>"
    return f"<h2>Scores</h2><table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _confusion(found: Evaluation) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in found.classes)
    rows = []
    for name, row in zip(found.classes, found.confusion, strict=True):
        whole = max(1, int(row.sum()))
        cells = "".join(f'<td style="--share:{count / whole:.2f}">{count or ""}</td>' for count in row.tolist())
        rows.append(f"<tr><th>{html.escape(name)}</th>{cells}</tr>")
    note = '<p class="note">Rows: what a picture is labeled. Columns: the likeliest class. Color: share of the row.</p>'
    table = f'<table class="confusion"><thead><tr><th></th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return f"<h2>Confusion</h2>{note}{table}"


def _classes(found: Evaluation) -> str:
    def share(value: float | None) -> str:
        return "" if value is None else f"{value:.2f}"

    rows = "".join(
        f'<tr><td>{html.escape(one["class"])}</td><td class="number">{one["pictures"]}</td>'
        f'<td class="number">{share(one["recall"])}</td><td class="number">{share(one["precision"])}</td>'
        f"<td>{html.escape(one['taken_for'])}</td></tr>"
        for one in found.by_class
    )
    head = "<tr><th>class</th><th>test pictures</th><th>recall</th><th>precision</th><th>most taken for</th></tr>"
    return f"<h2>Classes</h2><table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _calibration(trained: Trained) -> str:
    found, recognizer = trained.evaluation, trained.recognizer
    asked = "never reached" if recognizer.threshold >= NEVER else f"{recognizer.threshold:.3f}"
    words = (
        f"Expected calibration error {found.calibration_before:.3f} before and {found.calibration_after:.3f} after "
        f"temperature scaling (T = {recognizer.temperature:.2f}, fitted on the validation part); negative "
        f"log-likelihood {found.log_likelihood_before:.3f} before, {found.log_likelihood_after:.3f} after. Least "
        f"probability of an answer: {asked}. Like none of the training pictures: {found.unlike:.0%} of the test part."
    )
    figure = f'<figure class="calibration">{reliability_svg(found.bins)}</figure>'
    return f"<h2>Calibration</h2><p>{html.escape(words)}</p>{figure}"


def reliability_svg(bins: Sequence[Bin]) -> str:
    """Bars of the share that was right over the confidence; the line is what it should be."""
    margin, width = 30, (SIDE - 40) / len(bins)
    height = SIDE - 40
    parts = [f'<path class="mark" d="M{margin} {height + 10}L{margin + width * len(bins)} 10"/>']
    for index, one in enumerate(bins):
        left, tall = margin + index * width, one.right * height
        told = f"{one.count} answers at {one.confidence:.2f}: {one.right:.2f} right"
        parts.append(
            f'<rect class="bar" x="{left + 1:.1f}" y="{height + 10 - tall:.1f}" width="{width - 2:.1f}" '
            f'height="{tall:.1f}"><title>{told}</title></rect>'
            f'<text x="{left + width / 2:.1f}" y="{height + 22}" text-anchor="middle">{one.count or ""}</text>'
        )
    parts.append(f'<text x="{margin - 4}" y="16" text-anchor="end">1</text>')
    parts.append(f'<text x="{margin - 4}" y="{height + 12}" text-anchor="end">0</text>')
    label = "Share of right answers over their confidence in tenths, with the number of answers below"
    return f'<svg viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _examples(trained: Trained) -> str:
    found = trained.evaluation
    rows = list(zip(trained.test, found.answers, found.confidences, strict=True))
    surest = sorted(rows, key=lambda row: -row[2])
    sections = []
    for words, wanted in (("Right, surest first", True), ("Wrong, surest first", False)):
        chosen = [row for row in surest if (row[0].label == row[1]) is wanted][:EXAMPLES]
        shown = "".join(_example(*row) for row in chosen)
        sections.append(f'<h3>{words}</h3><div class="answers">{shown}</div>' if shown else "")
    return f"<h2>Examples of the test part</h2>{''.join(sections)}"


def _example(picture: LabeledPicture, answer: str, confidence: float) -> str:
    words = answer if answer == picture.label else f"{answer}, labeled {picture.label}"
    caption = html.escape(f"{words} ({confidence:.0%}). {picture.called}")
    return f'<figure class="picture">{_thumbnail(picture.path)}<figcaption>{caption}</figcaption></figure>'


def _thumbnail(path: Path) -> str:
    try:
        pixels = read_pixels(path, THUMBNAIL_PX).pixels
    except PictureError:
        return ""
    buffer = io.BytesIO()
    array = (pixels.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    Image.fromarray(array).save(buffer, format="JPEG", quality=80)
    return f'<img alt="" loading="lazy" src="data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def _card(trained: Trained) -> str:
    recognizer = trained.recognizer
    features = recognizer.facts["features"]
    pictures = ", ".join(f"{name} {count}" for name, count in sorted(recognizer.facts["training_pictures"].items()))
    facts = {
        "method": recognizer.method,
        "feature network": f"{features['name']} ({features['kind']}), sha256 {features['sha256']}",
        "pixels a picture": f"{recognizer.px}²",
        "trained on": pictures,
    }
    rows = "".join(f"<tr><td>{name}</td><td>{html.escape(str(value))}</td></tr>" for name, value in facts.items())
    return f"<h2>Card</h2><table><tbody>{rows}</tbody></table>"
