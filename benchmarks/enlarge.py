"""Enlarge clean photographs and restored ones, and compare with the larger pictures that they were made of.

    python benchmarks/enlarge.py --photos PHOTOS --photos PEOPLE --cbsd68 CBSD68 --json scores.json

Clean: each picture (photographs reduced by area to a long side of 768 px, CBSD68 whole; cropped to multiples of 4) is
made 2 and 4 times smaller by Pillow's antialiased cubic (`--kernel`), rounded to 8 bit and enlarged again: by Vasari,
and by Pillow with Lanczos' kernel of 3 lobes and with cubic interpolation (libvips enlarges by cubic interpolation
whatever kernel it is told). Aged: photographs of 384 px, half of their truth, are aged by the second simulator at
severities 1, 2 and 3, the eras in turn, restored, and enlarged twice by Vasari or by Lanczos. PSNR over RGB and of
Rec. 601 luma, SSIM over RGB (luma alone in grey eras); 8-bit results, whole pictures; intervals of 95 % of the mean
difference from Lanczos, by a studentized bootstrap over pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import second_aging
import vasari
from pictures import HELD_OUT, choose, load, planes
from vasari.models import model_files
from vasari.tasks.evaluate.intervals import mean_interval
from vasari.tasks.metrics import luma, peak_signal_noise_ratio, structural_similarity

Enlarge = Callable[[np.ndarray, int], np.ndarray]
KERNELS = {
    "cubic": Image.Resampling.BICUBIC,
    "area": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}
LANCZOS, CUBIC = "Lanczos", "cubic"
METRICS = ("psnr_rgb", "psnr_luma", "ssim")


@dataclass(frozen=True)
class Score:
    """What one way of enlarging made of one picture: dB, dB and SSIM."""

    of: str
    factor: int
    method: str
    picture: str
    psnr_rgb: float
    psnr_luma: float
    ssim: float


def by_pillow(kernel: Image.Resampling) -> Enlarge:
    """Enlarging by interpolation."""

    def enlarge(pixels: np.ndarray, factor: int) -> np.ndarray:
        height, width = pixels.shape[:2]
        return np.array(Image.fromarray(pixels).resize((factor * width, factor * height), kernel))

    return enlarge


def by_vasari(options: argparse.Namespace) -> Enlarge:
    """Enlarging by the stage alone."""
    return lambda pixels, factor: vasari.restore(
        pixels, stages=("enlarge",), scale=factor, enlarger=options.model, precision=options.precision
    ).to_array()


def measured(of: str, factor: int, method: str, name: str, made: np.ndarray, truth: np.ndarray, grey: bool) -> Score:
    """The scores of a result uint8 [rows, columns, 3]; of grey material that of luma stands for RGB too."""
    one, other = planes(made), planes(truth)
    in_grey = float(peak_signal_noise_ratio(luma(one), luma(other)))
    if grey:
        return Score(of, factor, method, name, in_grey, in_grey, float(structural_similarity(luma(one), luma(other))))
    in_color = float(peak_signal_noise_ratio(one, other))
    return Score(of, factor, method, name, in_color, in_grey, float(structural_similarity(one, other)))


def cropped(pixels: np.ndarray, multiple: int = 4) -> np.ndarray:
    """The picture without its last rows and columns, so that its sides are multiples."""
    height, width = (side // multiple * multiple for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[:height, :width])


def smaller(pixels: np.ndarray, factor: int, kernel: str) -> np.ndarray:
    """The picture reduced by Pillow, in 8 bit."""
    height, width = (side // factor for side in pixels.shape[:2])
    return np.array(Image.fromarray(pixels).resize((width, height), KERNELS[kernel]))


def clean_scores(of: str, truths: dict[str, np.ndarray], options: argparse.Namespace) -> Iterator[Score]:
    """Every picture at every factor by every way."""
    ways = {
        "Vasari": by_vasari(options),
        LANCZOS: by_pillow(Image.Resampling.LANCZOS),
        CUBIC: by_pillow(Image.Resampling.BICUBIC),
    }
    for name, truth in truths.items():
        for factor in options.factors:
            small = smaller(truth, factor, options.kernel)
            for method, enlarge in ways.items():
                yield measured(of, factor, method, name, enlarge(small, factor), truth, False)


def aged_scores(truths: dict[str, np.ndarray], options: argparse.Namespace) -> Iterator[Score]:
    """Photographs aged at half their size, restored, then enlarged by each way."""
    eras = list(second_aging.ERAS)
    lanczos = by_pillow(Image.Resampling.LANCZOS)
    chosen = {"enlarger": options.model, "precision": options.precision}
    for index, (name, truth) in enumerate(truths.items()):
        small = smaller(truth, 2, "cubic")
        for severity in (1, 2, 3):
            era = eras[(index + severity) % len(eras)]
            _, aged, _ = second_aging.age(small, era, severity, options.seed + index)
            given = np.clip(np.rint(aged * 255), 0, 255).astype(np.uint8)
            grey = second_aging.ERAS[era].grey
            restored = vasari.restore(given, precision=options.precision).to_array()
            made = vasari.restore(given, stages=("tone", "repair", "enlarge"), scale=2, **chosen).to_array()
            yield measured("aged, restored", 2, "Vasari", name, made, truth, grey)
            yield measured("aged, restored", 2, LANCZOS, name, lanczos(restored, 2), truth, grey)


def table(scores: list[Score]) -> str:
    """Markdown: means by set, factor and way, with the difference from Lanczos and its interval."""
    lines = [
        "| pictures | × | by | PSNR RGB | PSNR luma | SSIM | from Lanczos, dB RGB |",
        "|---|---|---|---|---|---|---|",
    ]
    for of, factor in dict.fromkeys((one.of, one.factor) for one in scores):
        group = [one for one in scores if (one.of, one.factor) == (of, factor)]
        usual = per_picture(group, LANCZOS)
        for method in dict.fromkeys(one.method for one in group):
            mine = [one for one in group if one.method == method]
            rgb, in_luma, ssim = (np.mean([getattr(one, metric) for one in mine]) for metric in METRICS)
            gains = per_picture(group, method) - usual
            ends = mean_interval(gains)
            told = "" if method == LANCZOS else f"{gains.mean():+.2f} ({ends.low:+.2f} to {ends.high:+.2f})"
            lines.append(
                f"| {of} ({len(usual)}) | {factor} | {method} | {rgb:.2f} | {in_luma:.2f} | {ssim:.4f} | {told} |"
            )
    return "\n".join(lines)


def per_picture(scores: list[Score], method: str) -> np.ndarray:
    """The mean PSNR over RGB of each picture, in their order."""
    found: dict[str, list[float]] = {}
    for one in scores:
        if one.method == method:
            found.setdefault(one.picture, []).append(one.psnr_rgb)
    return np.array([np.mean(values) for values in found.values()])


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, action="append", required=True, help="folder of photographs; repeatable")
    parser.add_argument("--cbsd68", type=Path, help="the 68 pictures of CBSD68; none if not given")
    parser.add_argument("--model", default="enlarge", help="bundled name or .safetensors file")
    parser.add_argument("--names", type=Path, default=HELD_OUT, help="file listing the photographs to use")
    parser.add_argument("--count", type=int, default=68, help="pictures of a set, at most")
    parser.add_argument("--factors", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--kernel", choices=KERNELS, default="cubic", help="by which clean pictures are made smaller")
    parser.add_argument("--long-side", type=int, default=768, help="of photographs, in pixels")
    parser.add_argument("--skip-aged", action="store_true", help="leave out aged photographs")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write every score here")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    options = options_of(arguments)
    paths = choose(options.photos, options.count, options.names)
    photographs = {path.name: cropped(load(path, options.long_side)) for path in paths}
    scores = list(clean_scores("photographs", photographs, options))
    if options.cbsd68:
        whole = {path.name: cropped(load(path)) for path in choose([options.cbsd68], options.count, None)}
        scores += clean_scores("CBSD68", whole, options)
    if not options.skip_aged:
        scores += aged_scores(photographs, options)
    digest = model_files.digest(model_files.find(options.model))
    print(f"{options.model} (sha256 {digest[:12]}), {options.precision}, made smaller by {options.kernel}")
    print(table(scores))
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in scores], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
