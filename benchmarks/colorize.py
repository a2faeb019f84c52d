"""Take the color from photographs, give it back, and compare with the truth.

    python benchmarks/colorize.py --photos PHOTOS --photos PEOPLE --json scores.json

Each picture (reduced by area to a long side of 512 px; those whose mean chroma is below 3 have nothing to tell and are
left out) is made grey at its own L*, in 8 bit, and colored: alone (the likeliest palette), with the best of 5 samples,
with the palette of the truth, and with 1, 5 and 20 hints, which are blocks of 9 px at random places in the mean color
of the truth there. ΔE is the mean distance of a* and b* from the true ones, lightness being equal; grey is no color at
all. Intervals of 95 % of the mean difference from grey, by a studentized bootstrap over pictures. Colorfulness is that
of Hasler & Süsstrunk, of the results in shares of the truths. The rank correlation is Spearman's, of told errors with
true ones over the places of a picture, and the mean over pictures. |ΔL*| is the largest of any pixel of the 8-bit
results. Time and memory are of `vasari colorize` on one grey 12-megapixel TIFF, start and loading counted.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import spearmanr
from torch import Tensor
from torch.nn import functional

import vasari
from pictures import HELD_OUT, choose, load, planes
from vasari.archive.features.color import colorfulness
from vasari.foundation.lab import srgb_to_lab
from vasari.models import model_files
from vasari.tasks.benchmark.memory import MB, used
from vasari.tasks.colorize.colorist import Colorist
from vasari.tasks.colorize.colorize_plan import ColorizePlan
from vasari.tasks.colorize.examples import FILMS, as_grey, grey_light
from vasari.tasks.evaluate.intervals import mean_interval

GREY, ALONE, BEST, PALETTE = "grey", "alone", "best of 5", "true palette"
HINTS = (1, 5, 20)
BLOCK_PX = 9
LEAST_CHROMA = 3.0


@dataclass(frozen=True)
class Score:
    """What one way made of one picture: mean ΔE in a*, b*; colorfulness of result and truth; the largest |ΔL*|."""

    method: str
    picture: str
    delta: float
    colorful: float
    truly_colorful: float
    lightness_apart: float
    correlation: float | None = None


def grey_of(truth: np.ndarray) -> np.ndarray:
    """uint8 [rows, columns] of the same L*."""
    light = grey_light(planes(truth), np.asarray(FILMS["panchromatic"][1]))
    return np.rint(as_grey(light)[0].numpy() * 255).astype(np.uint8)


def hinting(truth: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Strokes uint8 [rows, columns, 4]: blocks in the mean color of the truth, clear elsewhere."""
    strokes = np.zeros((*truth.shape[:2], 4), np.uint8)
    for _ in range(count):
        top, left = (int(rng.integers(0, side - BLOCK_PX + 1)) for side in truth.shape[:2])
        block = (slice(top, top + BLOCK_PX), slice(left, left + BLOCK_PX))
        strokes[(*block, slice(0, 3))] = np.rint(truth[block].mean((0, 1)))
        strokes[(*block, 3)] = 255
    return strokes


def distances(made: np.ndarray, truth: np.ndarray) -> Tensor:
    """ΔE in a*, b* of every pixel, [rows, columns]."""
    one, other = srgb_to_lab(planes(made)), srgb_to_lab(planes(truth))
    return (one - other)[1:].norm(dim=0)


def measured(method: str, name: str, made: np.ndarray, truth: np.ndarray, grey: np.ndarray) -> Score:
    """The scores of a result uint8 [rows, columns, 3]."""
    as_color = np.repeat(grey[:, :, None], 3, 2)
    apart = (srgb_to_lab(planes(made)) - srgb_to_lab(planes(as_color)))[0].abs().max()
    colorful, truly = (colorfulness(planes(one).numpy()) for one in (made, truth))
    return Score(method, name, float(distances(made, truth).mean()), colorful, truly, float(apart))


def told_against_true(grey: np.ndarray, made: np.ndarray, truth: np.ndarray, plan: ColorizePlan) -> float:
    """Spearman's rank correlation of the errors that the model expects with those it makes, over its grid."""
    found = Colorist.of(plan).look(planes(np.repeat(grey[:, :, None], 3, 2)), *grey.shape)
    told = found.errors[0][0, 0]
    true = functional.interpolate(distances(made, truth)[None, None], tuple(told.shape), mode="area")[0, 0]
    return float(spearmanr(told.flatten().numpy(), true.flatten().numpy()).statistic)


def scores_of(name: str, truth: np.ndarray, options: argparse.Namespace) -> Iterator[Score]:
    """One picture by every way."""
    chosen = {"model": options.model, "encoder": options.encoder, "precision": options.precision}
    grey, rng = grey_of(truth), np.random.default_rng(options.seed)
    yield measured(GREY, name, np.repeat(grey[:, :, None], 3, 2), truth, grey)
    samples = [one.to_array() for one in vasari.colorings(grey, samples=5, seed=options.seed, **chosen)]
    drawn = [measured(ALONE, name, one, truth, grey) for one in samples]
    correlation = told_against_true(grey, samples[0], truth, ColorizePlan(**chosen))
    yield Score(**{**asdict(drawn[0]), "correlation": correlation})
    yield Score(**{**asdict(min(drawn, key=lambda one: one.delta)), "method": BEST})
    yield measured(PALETTE, name, vasari.colorize(grey, truth, **chosen).to_array(), truth, grey)
    for count in HINTS:
        made = vasari.colorize(grey, hints=hinting(truth, count, rng), **chosen).to_array()
        yield measured(f"{count} hint{'s' if count > 1 else ''}", name, made, truth, grey)


def table(scores: list[Score]) -> str:
    """Markdown: means by way, with the difference from grey and its interval."""
    lines = ["| by | ΔE a*b* | from grey | colorfulness | largest ΔL* |", "|---|---|---|---|---|"]
    usual = np.array([one.delta for one in scores if one.method == GREY])
    for method in dict.fromkeys(one.method for one in scores):
        mine = [one for one in scores if one.method == method]
        apart = np.array([one.delta for one in mine]) - usual
        ends = mean_interval(apart)
        told = "" if method == GREY else f"{apart.mean():+.2f} ({ends.low:+.2f} to {ends.high:+.2f})"
        colorful = sum(one.colorful for one in mine) / sum(one.truly_colorful for one in mine)
        lightness = max(one.lightness_apart for one in mine)
        lines.append(f"| {method} | {usual.mean() + apart.mean():.2f} | {told} | {colorful:.2f} | {lightness:.2f} |")
    return "\n".join(lines)


def time_and_memory(options: argparse.Namespace) -> tuple[float, float]:
    """Seconds, and MB at most, of the command on one grey 12-megapixel TIFF."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "scan.tif"
        first = choose(options.photos, 1, options.names)[0]
        Image.fromarray(load(first)).convert("L").resize((4000, 3000)).save(source)
        command = [sys.executable, "-m", "vasari.app.cli.main", "colorize", str(source), "-o", f"{folder}/out"]
        command += ["--model", options.model, "--encoder", options.encoder, "--precision", options.precision]
        found = used(command, Path(folder) / "log")
    if found.exit_code:
        raise SystemExit("vasari colorize failed on the 12-megapixel picture.")
    return found.seconds, found.peak_bytes / MB


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, action="append", required=True, help="folder of photographs; repeatable")
    parser.add_argument("--model", default="colorize", help="bundled name or .safetensors file")
    parser.add_argument("--encoder", default="encoder", help="bundled name or .safetensors file")
    parser.add_argument("--names", type=Path, default=HELD_OUT, help="file listing the photographs to use")
    parser.add_argument("--count", type=int, default=24, help="photographs, at most")
    parser.add_argument("--long-side", type=int, default=512, help="of photographs, in pixels")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip-speed", action="store_true", help="leave out time and memory")
    parser.add_argument("--json", type=Path, help="write every score here")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    options = options_of(arguments)
    truths = {path.name: load(path, options.long_side) for path in choose(options.photos, options.count, options.names)}
    whole = len(truths)
    truths = {name: one for name, one in truths.items() if _chroma(one) >= LEAST_CHROMA}
    scores = [score for name, truth in truths.items() for score in scores_of(name, truth, options)]
    digest = model_files.digest(model_files.find(options.model))
    print(
        f"{options.model} (sha256 {digest[:12]}), {options.precision}; {len(truths)} of {whole} photographs have color"
    )
    print(table(scores))
    told = [one.correlation for one in scores if one.correlation is not None]
    print(f"\nRank correlation of told with true error, {ALONE}: {np.mean(told):.2f} (least {min(told):.2f})")
    found = {}
    if not options.skip_speed:
        seconds, megabytes = time_and_memory(options)
        found = {"seconds_12_megapixels": seconds, "peak_mb": megabytes}
        print(f"12 megapixels: {seconds:.1f} s, {megabytes:.0f} MB at most")
    if options.json:
        values = {"scores": [asdict(one) for one in scores], **found}
        options.json.write_text(json.dumps(values, indent=1), encoding="utf-8")


def _chroma(pixels: np.ndarray) -> float:
    return float(srgb_to_lab(planes(pixels))[1:].norm(dim=0).mean())


if __name__ == "__main__":
    main(sys.argv[1:])
