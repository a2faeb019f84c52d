"""Are scratches, dust and stains found, and are they gone? On photographs aged by two simulators.

    python benchmarks/marks.py --photos DIR --photos DIR --model restore-faithful

The album of `restore_aged.py`. Found: the detector's map, the one that the U-Net gives by the way, and both
weighed, which is the map of evidence, against the simulator's mask: average precision over all pixels of all
pictures; recall and precision at a threshold, a pixel counting as right within 2 px of a right one. Gone: mean
square error under the mask and elsewhere, as PSNR over all pictures, before and after; in the tone that the
survey gave, so that fading is not counted.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from torch import Tensor
from torch.nn import functional

from networks import PRECISIONS, Ready, load_restorer, marks_of, run_restorer
from pictures import HELD_OUT, choose
from restore_aged import SIMULATORS, album
from vasari.models.losses import in_the_tone_of
from vasari.tasks.restore.marks import both_opinions

COVERED = 0.3  # share of a pixel from which it counts as covered
NEAR_PX = 2
THRESHOLDS = (0.2, 0.5, 0.8)


@dataclass(frozen=True)
class Found:
    """How well one map tells the marks: at each threshold recall and precision, 0..1."""

    by: str
    average_precision: float
    recall: dict[float, float]
    precision: dict[float, float]


def found(by: str, told: list[np.ndarray], truth: list[np.ndarray]) -> Found:
    """Score maps in 0..1 against masks, all [rows, columns]."""
    precision, recall = {}, {}
    for threshold in THRESHOLDS:
        right = said = seen = there = 0
        for one, mask in zip(told, truth, strict=True):
            marked = one >= threshold
            right += int((marked & around(mask)).sum())
            said += int(marked.sum())
            seen += int((mask & around(marked)).sum())
            there += int(mask.sum())
        precision[threshold], recall[threshold] = right / max(said, 1), seen / max(there, 1)
    flat = np.concatenate([one.ravel() for one in truth]), np.concatenate([one.ravel() for one in told])
    return Found(by, float(average_precision_score(*flat)), recall, precision)


def around(mask: np.ndarray) -> np.ndarray:
    """A mask grown by `NEAR_PX`."""
    side = 2 * NEAR_PX + 1
    return functional.max_pool2d(torch.from_numpy(mask)[None, None].float(), side, 1, NEAR_PX)[0, 0].numpy() > 0


@dataclass
class Gone:
    """Sums of square errors, and pixels, under marks and elsewhere."""

    before: float = 0.0
    after: float = 0.0
    pixels: float = 0.0

    def add(self, before: Tensor, after: Tensor, place: Tensor) -> None:
        """Errors and place [1, rows, columns]."""
        self.before += float((before * place).sum())
        self.after += float((after * place).sum())
        self.pixels += float(place.sum())

    def decibels(self) -> tuple[float, float]:
        """PSNR before and after."""
        return tuple(-10 * float(np.log10(one / self.pixels)) for one in (self.before, self.after))  # type: ignore


def judged(ready: Ready, simulator: str, options: argparse.Namespace) -> tuple[list[Found], dict[str, Gone]]:
    """The maps of one model, and what it left of marks and did to all else."""
    paths = choose(options.photos, options.count, options.names)
    asked = argparse.Namespace(
        simulator=simulator, severities=(1, 2, 3), repeats=1, seed=options.seed, long_side=options.long_side
    )
    told: dict[str, list[np.ndarray]] = {}
    truth, gone = [], {"under marks": Gone(), "elsewhere": Gone()}
    for one in album(paths, asked):
        made = run_restorer(ready, one.aged, PRECISIONS[options.precision])
        maps = {"its U-Net, by the way": made.damage[0, 0].float()}
        if ready.detector is not None:
            maps["the detector"] = marks_of(ready, one.aged)
            both = both_opinions(maps["the detector"], maps["its U-Net, by the way"])
            maps["both, the map of evidence"] = both
        for by, map_ in maps.items():
            told.setdefault(by, []).append(map_.numpy())
        truth.append(one.mask[0].numpy() > 0.5)
        target = in_the_tone_of(one.target[None], made.toned.float(), one.mask[None])
        errors = [(one - target).square().mean(1)[0][None] for one in (made.toned, made.picture.float().clamp(0, 1))]
        covered = (one.mask > COVERED).float()
        gone["under marks"].add(*errors, covered)
        gone["elsewhere"].add(*errors, 1 - covered)
    return [found(by, maps_, truth) for by, maps_ in told.items()], gone


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, action="append", required=True, help="folder of photographs; repeatable")
    parser.add_argument("--model", action="append", required=True, help="bundled name or file; repeatable")
    parser.add_argument("--names", type=Path, default=HELD_OUT, help="file listing the photographs to use")
    parser.add_argument("--count", type=int, default=24, help="photographs, at most")
    parser.add_argument("--long-side", type=int, default=512, help="pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--json", type=Path, help="write every score here")
    options = parser.parse_args(arguments)
    results = []
    for model in options.model:
        ready, digest = load_restorer(model)
        for simulator in SIMULATORS:
            maps, gone = judged(ready, simulator, options)
            print(f"{Path(model).stem} (sha256 {digest[:12]}), simulator {simulator}, {options.precision}")
            for one in maps:
                levels = ", ".join(f"{at:g}: {one.recall[at]:.2f} / {one.precision[at]:.2f}" for at in THRESHOLDS)
                print(
                    f"  found by {one.by}: average precision {one.average_precision:.3f}; recall / precision {levels}"
                )
            for place, one in gone.items():
                before, after = one.decibels()
                print(f"  {place}: {before:.2f} → {after:.2f} dB")
            results.append(
                {
                    "model": model,
                    "simulator": simulator,
                    "found": [asdict(one) for one in maps],
                    "gone": {name: one.decibels() for name, one in gone.items()},
                }
            )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
