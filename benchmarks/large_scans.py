"""Are large scans restored as well as small ones? At once, and from a draft at the size that was learned.

    python benchmarks/large_scans.py --photos DIR --photos DIR --model restore-faithful

Held-out photographs are enlarged (Lanczos) to the long side of a scan and aged there, each at one severity in turn: the
simulators draw marks and grain relative to the picture, so that they are as large in pixels as on a real scan of that
size. Scored: PSNR and SSIM as in `restore_aged.py`; square error under marks and elsewhere in the tone that the survey
gave, as in `marks.py`; average precision of the marks that are found.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from sklearn.metrics import average_precision_score
from torch.nn import functional

from marks import COVERED, Gone
from networks import PRECISIONS, Ready, as_saved, load_restorer, marks_of, run_restorer
from pictures import HELD_OUT, choose, load
from restore_aged import SIMULATORS, Aged, score
from vasari.models.losses import in_the_tone_of


def scans(paths: list[Path], simulator: str, long_side: int, seed: int) -> Iterator[Aged]:
    """Each photograph once; severities and eras in turn."""
    for index, path in enumerate(paths):
        pixels = load(path)
        factor = long_side / max(pixels.shape[:2])
        pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_LANCZOS4)
        severity = index % 3 + 1
        era, grey, *tensors = SIMULATORS[simulator](pixels, index // 3 + severity, severity, seed + index)
        yield Aged(path.name, era, severity, grey, *tensors)


class Way:
    """One way of restoring, and its sums."""

    def __init__(self, working_px: int) -> None:
        self.working_px = working_px
        self.scores: list[tuple[float, float]] = []
        self.gone = {"under marks": Gone(), "elsewhere": Gone()}
        self.seconds = 0.0

    def restore(self, ready: Ready, one: Aged, precision: torch.dtype) -> None:
        """Restore, score and count."""
        begun = time.process_time()
        made = run_restorer(ready, one.aged, precision, working_px=self.working_px)
        self.seconds += time.process_time() - begun
        picture = as_saved(made.picture)
        self.scores.append(score(picture, one.target, one.grey))
        target = in_the_tone_of(one.target[None], made.toned.float(), one.mask[None])
        errors = [(each - target).square().mean(1)[0][None] for each in (made.toned.float(), picture[None])]
        covered = (one.mask > COVERED).float()
        self.gone["under marks"].add(*errors, covered)
        self.gone["elsewhere"].add(*errors, 1 - covered)

    def told(self, given: np.ndarray) -> str:
        """A row of the table; `given` [pictures, 2] is PSNR and SSIM before."""
        after = np.array(self.scores)
        psnr, ssim = after.mean(0)
        left = ", ".join(f"{place} {one.decibels()[1]:.2f} dB" for place, one in self.gone.items())
        name = f"first at {self.working_px} px" if self.working_px else "at once"
        worse = np.mean(after[:, 0] < given[:, 0])
        return (
            f"  {name:17s} {psnr:.2f} dB ({psnr - given[:, 0].mean():+.2f}), SSIM {ssim:.4f}, {worse:.0%} worse; "
            f"{left}; {self.seconds / len(after):.1f} s of a core"
        )


def judged(ready: Ready, simulator: str, options: argparse.Namespace) -> None:
    """Print the table of one simulator."""
    paths = choose(options.photos, options.count, options.names)
    ways = [Way(working_px) for working_px in options.working_px]
    given, masks, told = [], [], []
    for one in scans(paths, simulator, options.long_side, options.seed):
        given.append(score(one.aged, one.target, one.grey))
        size = [side // 2 for side in one.mask.shape[1:]]
        masks.append(functional.interpolate(one.mask[None].float(), size, mode="area")[0, 0].numpy().ravel() > 0.5)
        for way in ways:
            way.restore(ready, one, PRECISIONS[options.precision])
        found = marks_of(ready, one.aged)[None, None]
        told.append(functional.interpolate(found, size, mode="bilinear")[0, 0].numpy().ravel())
    before = np.array(given)
    print(
        f"simulator {simulator}: {len(paths)} scans of {options.long_side} px, given {before[:, 0].mean():.2f} dB, "
        f"SSIM {before[:, 1].mean():.4f}"
    )
    for way in ways:
        print(way.told(before))
    precision = average_precision_score(np.concatenate(masks), np.concatenate(told))
    print(f"  marks: average precision {precision:.3f}")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, action="append", required=True, help="folder of photographs; repeatable")
    parser.add_argument("--model", default="restore-faithful", help="bundled name or file")
    parser.add_argument("--simulators", choices=SIMULATORS, nargs="+", default=["second", "third"])
    parser.add_argument("--names", type=Path, default=HELD_OUT, help="file listing the photographs to use")
    parser.add_argument("--count", type=int, default=24, help="photographs, at most")
    parser.add_argument("--long-side", type=int, default=2048, help="pixels of a scan")
    parser.add_argument(
        "--working-px", type=int, nargs="+", default=[0, 512], help="where repairing begins; 0: at once"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=PRECISIONS, default="bfloat16")
    options = parser.parse_args(arguments)
    ready, digest = load_restorer(options.model)
    print(f"{Path(options.model).stem} (sha256 {digest[:12]}), {options.precision}, seed {options.seed}")
    for simulator in options.simulators:
        judged(ready, simulator, options)


if __name__ == "__main__":
    main(sys.argv[1:])
