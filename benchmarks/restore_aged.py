"""Age held-out photographs, restore them, and compare with the photographs as they were.

    python benchmarks/restore_aged.py --photos DIR --photos DIR --model restore-faithful --json scores.json

Every photograph is aged at severities 1, 2 and 3, the eras taken in turn. Grey eras are scored on
luma, color ones on RGB. `--baselines` adds the classical ways. `--simulator third` uses the third
simulator, by which nothing was chosen; `own` uses the simulator of the training, to see how much of
a score is familiarity with it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

import classical
import second_aging
import third_aging
from networks import PRECISIONS, Ready, as_saved, load_restorer, run_restorer
from pictures import HELD_OUT, choose, load, planes, rows
from vasari.foundation.picture import Picture
from vasari.tasks.metrics import luma, peak_signal_noise_ratio, structural_similarity
from vasari.tasks.translate.apply import translate

Restore = Callable[[Tensor, Tensor], Tensor]
Age = Callable[[np.ndarray, int, int, int], tuple[str, bool, Tensor, Tensor, Tensor]]
# Equal pictures would score infinity and spoil a mean; 8-bit rounding alone scores about 59 dB.
HIGHEST_DB = 60.0


@dataclass(frozen=True)
class Aged:
    """One aged photograph: all [3, rows, columns] but the mask [1, rows, columns]."""

    photo: str
    era: str
    severity: int
    grey: bool
    target: Tensor
    aged: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Score:
    """What one way of restoring did to one aged photograph."""

    method: str
    photo: str
    era: str
    severity: int
    psnr_in: float
    ssim_in: float
    psnr_out: float
    ssim_out: float


def aged_by(simulator: ModuleType) -> Age:
    """Aging by a simulator of this folder."""

    def age(pixels: np.ndarray, turn: int, severity: int, seed: int) -> tuple[str, bool, Tensor, Tensor, Tensor]:
        era = list(simulator.ERAS)[turn % len(simulator.ERAS)]
        target, aged, mask = simulator.age(pixels, era, severity, seed)
        return era, simulator.ERAS[era].grey, planes(target), planes(aged), torch.from_numpy(mask)[None]

    return age


def aged_by_own(pixels: np.ndarray, turn: int, severity: int, seed: int) -> tuple[str, bool, Tensor, Tensor, Tensor]:
    from vasari.foundation import damage

    era = list(damage.ERAS)[turn % len(damage.ERAS)]
    result = damage.age(planes(pixels), era=era, severity=severity, seed=seed)
    grey = bool((result.clean[0] == result.clean[2]).all())
    return era, grey, result.clean, result.aged.clamp(0, 1), result.mask


SIMULATORS: dict[str, Age] = {
    "second": aged_by(second_aging),
    "third": aged_by(third_aging),
    "own": aged_by_own,
}


def album(paths: list[Path], options: argparse.Namespace) -> Iterator[Aged]:
    """Every photograph at every severity; the eras in turn, so that each meets each severity."""
    for index, path in enumerate(paths):
        pixels = load(path, options.long_side)
        for severity in options.severities:
            for repeat in range(options.repeats):
                turn, seed = index + severity + 3 * repeat, options.seed + 1000 * repeat + index
                era, grey, *tensors = SIMULATORS[options.simulator](pixels, turn, severity, seed)
                yield Aged(path.name, era, severity, grey, *tensors)


def score(picture: Tensor, target: Tensor, grey: bool) -> tuple[float, float]:
    """PSNR in dB (at most 60) and SSIM, on luma where `grey`."""
    if grey:
        picture, target = luma(picture), luma(target)
    decibels = min(float(peak_signal_noise_ratio(picture, target)), HIGHEST_DB)
    return decibels, float(structural_similarity(picture, target))


def table(scores: list[Score], method: str) -> str:
    """Mean in → out by era, by severity and over all."""
    mine = [one for one in scores if one.method == method]
    lines = [
        f"{method:42s} {'n':>4s} {'PSNR in':>8s} {'out':>7s} {'gain':>6s} {'SSIM in':>8s} {'out':>7s} {'worse':>6s}"
    ]
    groups = [(era, [one for one in mine if one.era == era]) for era in dict.fromkeys(one.era for one in mine)]
    severities = sorted({one.severity for one in mine})
    groups += [(f"severity {number}", [one for one in mine if one.severity == number]) for number in severities]
    for name, group in [*groups, ("all", mine)]:
        before, after, near, far = (
            float(np.mean([getattr(one, key) for one in group]))
            for key in ("psnr_in", "psnr_out", "ssim_in", "ssim_out")
        )
        worse = np.mean([one.psnr_out < one.psnr_in for one in group])
        lines.append(
            f"  {name:40s} {len(group):4d} {before:8.2f} {after:7.2f} {after - before:+6.2f} "
            f"{near:8.3f} {far:7.3f} {worse:6.0%}"
        )
    return "\n".join(lines)


def clean_scores(paths: list[Path], restore: Restore, method: str, long_side: int) -> list[Score]:
    """What is done to photographs that need nothing, in color and in grey; the goal is 38 dB or more."""
    result = []
    for path in paths:
        color = planes(load(path, long_side))
        for era, grey in (("clean color", False), ("clean grey", True)):
            pixels = (luma(color).expand(3, -1, -1) * 255).round() / 255 if grey else color
            after = score(restore(pixels, torch.zeros_like(pixels[:1])), pixels, grey)
            result.append(Score(method, path.name, era, 0, HIGHEST_DB, 1.0, *after))
    return result


def clean_table(scores: list[Score], method: str) -> str:
    lines = [f"{method} on clean photographs (goal: 38 dB or more)"]
    for era in ("clean color", "clean grey"):
        values = [one.psnr_out for one in scores if one.method == method and one.era == era]
        similar = [one.ssim_out for one in scores if one.method == method and one.era == era]
        lines.append(
            f"  {era:40s} {len(values):4d} mean {np.mean(values):.2f} dB, median {np.median(values):.2f}, "
            f"worst {np.min(values):.2f}; SSIM {np.mean(similar):.4f}"
        )
    return "\n".join(lines)


def by_network(network: Ready, precision: torch.dtype, self_ensemble: bool = False) -> Restore:
    """Restoring by a network: the mask is not looked at."""
    return lambda aged, mask: as_saved(run_restorer(network, aged, precision, self_ensemble=self_ensemble).picture)


def by_translator(name: str) -> Restore:
    """Restoring by a translator that was trained on aged pictures: the mask is not looked at."""
    return lambda aged, mask: as_saved(translate(Picture(aged.clamp(0, 1)), name).pixels[None])


def by_classical(way: classical.Way) -> Restore:
    """Restoring by a function of arrays."""
    return lambda aged, mask: planes(way(rows(aged), mask[0].numpy()))


def methods(options: argparse.Namespace) -> dict[str, Restore]:
    """Everything that is to be compared: name to function of (aged, mask)."""
    ways: dict[str, Restore] = {}
    for name in options.model or []:
        network, digest = load_restorer(name)
        ways[f"{Path(name).stem} {digest[:8]} {options.precision}"] = by_network(
            network, PRECISIONS[options.precision], options.self_ensemble
        )
    ways |= {f"translator {Path(name).stem}": by_translator(name) for name in options.translator or []}
    if options.baselines:
        ways |= {name: by_classical(way) for name, way in classical.WAYS.items()}
    return ways


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, action="append", required=True, help="folder of photographs; repeatable")
    parser.add_argument("--model", action="append", help="bundled name or .safetensors file; repeatable")
    parser.add_argument("--translator", action="append", help="file of a translator of aged pictures; repeatable")
    parser.add_argument("--baselines", action="store_true", help="also levels, non-local means and inpainting")
    parser.add_argument("--simulator", choices=SIMULATORS, default="second")
    parser.add_argument("--count", type=int, default=24, help="photographs")
    parser.add_argument("--repeats", type=int, default=1, help="times that each is aged at a severity")
    parser.add_argument("--severities", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--long-side", type=int, default=512, help="pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--names", type=Path, default=HELD_OUT, help="file listing the photographs to use")
    parser.add_argument(
        "--any-photos", action="store_true", help="take photographs of the folders, whatever their names"
    )
    parser.add_argument("--self-ensemble", action="store_true", help="the mean of four mirrored views")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--skip-clean", action="store_true", help="leave out the clean photographs")
    parser.add_argument("--json", type=Path, help="write every score here")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    options = options_of(arguments)
    paths = choose(options.photos, options.count, None if options.any_photos else options.names)
    ways, scores = methods(options), []
    for one in album(paths, options):
        before = score(one.aged, one.target, one.grey)
        for name, restore in (ways or {"nothing done": lambda aged, mask: aged}).items():
            after = score(restore(one.aged, one.mask), one.target, one.grey)
            scores.append(Score(name, one.photo, one.era, one.severity, *before, *after))
    print(
        f"simulator {options.simulator}, {len(paths)} photographs, long side {options.long_side} px, "
        f"seed {options.seed}; grey eras on luma"
    )
    for name in dict.fromkeys(one.method for one in scores):
        print(table(scores, name))
    for name, restore in ways.items():
        if not options.skip_clean and name not in classical.WAYS:
            scores += clean_scores(paths, restore, name, options.long_side)
            print(clean_table(scores, name))
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in scores], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
