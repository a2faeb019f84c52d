"""The demo's page: one self-contained HTML file from plates, scores and records."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SEVERITIES = {1: "lightly", 2: "moderately", 3: "heavily"}
NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
LARGEST_ZOOM = 1.35  # beyond this a small picture looks soft on the page
LEGENDS = {
    "damage": "The restorer's own estimate of what was lost: the darker and redder, the more of the surface it "
    "judged damaged and filled from its surroundings. What lies there is inferred, not recorded.",
    "change": "How far each pixel was moved, tone and repair together, from no change (black) to the largest "
    "change of the picture (pale yellow).",
    "original": "The photograph before it was aged. The restorer has never seen it.",
}


@dataclass(frozen=True)
class Scores:
    """Nearness to the photograph before aging: PSNR in dB and SSIM 0..1, of the aged scan and of the result."""

    psnr_aged: float
    psnr_restored: float
    ssim_aged: float
    ssim_restored: float


@dataclass(frozen=True)
class Plate:
    """One picture of the page; every `*_view` and file is a path relative to the page."""

    name: str
    title: str
    credit: str
    print_kind: str  # in words: "a gelatin silver print"
    severity: int
    width: int
    height: int
    scan: str
    result: str
    views: Mapping[str, str]  # aged, restored, original, damage, change
    scores: Scores
    record: Mapping[str, str]
    record_file: str


def render(plates: Sequence[Plate], *, version: str, model: str, digest: str, seconds: float) -> str:
    """The whole page as HTML text; `seconds` is the time that restoring the album took."""
    template = Template(resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        version=escape(version),
        lead=f"{_counted(len(plates)).capitalize()} photographs were put through a simulator of aging and then "
        f"restored by the model that comes with the package, <em>{escape(model)}</em>, on this machine and without "
        "a network. Draw the line across a picture to compare; open the maps to see what was changed and what was "
        "inferred.",
        caution="The damage here is simulated, so that the result can be held against the photograph before it was "
        "aged. A real scan has no such original: there, the evidence maps are what one can check.",
        sums=_sums(plates, seconds),
        plates="\n".join(_plate(number, plate) for number, plate in enumerate(plates)),
        notes=_notes(model, digest),
        footer="Made by <code>vasari demo</code>. The photographs come with scikit-image; their makers are named "
        "beside them. This page asks nothing of the network.",
    )


def mean_scores(plates: Sequence[Plate]) -> Scores:
    """The mean of each score over the plates."""
    count = len(plates)
    return Scores(
        sum(plate.scores.psnr_aged for plate in plates) / count,
        sum(plate.scores.psnr_restored for plate in plates) / count,
        sum(plate.scores.ssim_aged for plate in plates) / count,
        sum(plate.scores.ssim_restored for plate in plates) / count,
    )


def _sums(plates: Sequence[Plate], seconds: float) -> str:
    mean = mean_scores(plates)
    rows = (
        ("Pictures restored", f"{len(plates)} <small>in {seconds:.0f} s</small>"),
        ("Mean PSNR, aged to restored", f"{mean.psnr_aged:.1f} → {mean.psnr_restored:.1f} <small>dB</small>"),
        ("Mean SSIM, aged to restored", f"{mean.ssim_aged:.3f} → {mean.ssim_restored:.3f}"),
    )
    return "\n".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows)


def _pictures(plate: Plate) -> str:
    """The views of a plate, one above the other."""
    alts = {
        "restored": f"{plate.title}, restored",
        "aged": f"{plate.title}, aged",
        "original": f"{plate.title}, before it was aged",
        "damage": f"Map of the damage found in {plate.title}",
        "change": f"Map of how far each pixel of {plate.title} was changed",
    }
    size = f'width="{plate.width}" height="{plate.height}"'
    return "\n".join(
        f'<img class="{kind if kind in ("restored", "aged") else f"layer {kind}"}" src="{escape(plate.views[kind])}"'
        f' alt="{escape(alt)}" {size} decoding="async">'
        for kind, alt in alts.items()
    )


def _plate(index: int, plate: Plate) -> str:
    aged_how = f"Aged {SEVERITIES[plate.severity]}, as {escape(plate.print_kind)}."
    widest_px = max(round(plate.width * LARGEST_ZOOM), 420)
    legends = "\n".join(f'<p class="legend of-{kind}">{text}</p>' for kind, text in LEGENDS.items())
    return f"""<article class="plate" id="{escape(plate.name)}">
<figure style="--widest: {widest_px}px">
<div class="mount"><div class="stage" style="aspect-ratio: {plate.width} / {plate.height}">
{_pictures(plate)}
<span class="tag left" aria-hidden="true">aged</span><span class="tag right" aria-hidden="true">restored</span>
<span class="seam" aria-hidden="true"></span>
<input type="range" min="0" max="100" step="0.5" value="50" aria-label="How much of {escape(plate.title)}
 is shown aged, from the left, in percent">
</div></div>
{_view_choice(index)}
{legends}
</figure>
<div class="label">
<p class="number">Plate {NUMERALS[index % len(NUMERALS)]}</p>
<h2>{escape(plate.title)}</h2>
<p class="caption">{aged_how}</p>
<p class="credit">{escape(plate.credit)}</p>
{_score_table(plate.scores)}
<p class="credit"><a href="{escape(plate.scan)}">Aged scan</a> · <a href="{escape(plate.result)}">Restored file</a></p>
<details><summary>Treatment record</summary>
<dl class="record">
{_record(plate.record)}
</dl>
<p class="credit"><a href="{escape(plate.record_file)}">The record as JSON</a></p>
</details>
</div>
</article>"""


def _view_choice(index: int) -> str:
    choices = {"compare": "Aged | restored", "damage": "Damage", "change": "Change", "original": "Original"}
    inputs = "".join(
        f'<label><input type="radio" name="view-{index}" value="{value}"{" checked" if value == "compare" else ""}>'
        f"{label}</label>"
        for value, label in choices.items()
    )
    return f'<fieldset class="views"><legend class="hidden">What to show</legend>{inputs}</fieldset>'


def _score_table(scores: Scores) -> str:
    psnr_gain = scores.psnr_restored - scores.psnr_aged
    ssim_gain = scores.ssim_restored - scores.ssim_aged
    return f"""<table><thead><tr><th scope="col"><span class="hidden">Score</span></th><th scope="col">Aged</th>
<th scope="col">Restored</th><th scope="col">Gain</th></tr></thead><tbody>
<tr><th scope="row">PSNR, dB</th><td>{scores.psnr_aged:.1f}</td><td>{scores.psnr_restored:.1f}</td>
<td class="gain">{_signed(psnr_gain, 1)}</td></tr>
<tr><th scope="row">SSIM</th><td>{scores.ssim_aged:.3f}</td><td>{scores.ssim_restored:.3f}</td>
<td class="gain">{_signed(ssim_gain, 3)}</td></tr></tbody></table>"""


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def _record(record: Mapping[str, str]) -> str:
    return "\n".join(f"<dt>{escape(key)}</dt><dd>{escape(text)}</dd>" for key, text in record.items())


def _notes(model: str, digest: str) -> str:
    return f"""<section><h2>What was done</h2>
<p>Each photograph was faded, stained, scratched, blurred and given grain by the simulator that the documentation
describes, with a fixed seed (chosen for variety, by looking at the aged
pictures alone), and saved as a scan: 16-bit TIFF, 8-bit TIFF, JPEG or PNG. The scans were then restored
just as a folder of real scans would be, with</p>
<pre>vasari restore scans -o restored --evidence</pre>
<p>First the tone of the whole picture is set right from a thumbnail; then grain, blur, scratches and stains are
treated at full size. Each result has the bit depth and the format of its scan.</p></section>
<section><h2>What the scores say</h2>
<p>PSNR and SSIM measure how near a picture is to the photograph before it was aged; higher is nearer. Grey pictures
are compared in luma, color ones in red, green and blue. They reward caution: a score says nothing about whether an
invented detail is true.</p></section>
<section><h2>The model</h2>
<p><em>{escape(model)}</em>, SHA-256 <code>{escape(digest[:16])}…</code>. What it was trained on, and under which
licenses, is printed by</p>
<pre>vasari models show {escape(model)}</pre>
<p>These photographs were not among its training pictures.</p></section>
<section><h2>Do it again</h2>
<p>Every record can be replayed to the same bytes, on the same kind of machine and software:</p>
<pre>vasari restore --replay RECORD</pre></section>"""


def _counted(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return words[count] if count < len(words) else str(count)
