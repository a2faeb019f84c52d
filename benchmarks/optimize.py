"""`stylize --method optimize`: seconds a step at each size, the losses it ends with, and the memory it takes.

    python benchmarks/optimize.py                                     # the bundled encoder, 512 px
    python benchmarks/optimize.py --network VGG19.safetensors --sides 512 1024 --steps 20
    python benchmarks/optimize.py --content PHOTO --style PAINTING --sides 3840 --steps 2 --set optimizer=adam

The content is brought to each long side; without files it is a photograph of scikit-image, and the style one of its
textures. Each side runs in a process of its own, so that its peak of resident memory (ru_maxrss) is its own. A scale's
seconds a step are the median over its evaluations but the first, which sets up the network; losses are the weighted
total and its terms (style and content in shares, see `docs/stylize-optimize.md`) at the first and at the best
evaluation of the last scale. Compare times of one run only: they tell of the machine and its load as well.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import skimage.data
from torch import Tensor

import machine
from vasari.foundation import image_files
from vasari.foundation.picture import Picture
from vasari.foundation.plans import from_dict, to_dict, with_settings
from vasari.tasks.stylize.optimize.plan import OptimizePlan
from vasari.tasks.stylize.optimize.run import Progress, optimize, resized


def read(path: Path | None, stand_in: Any) -> Tensor:
    """[3, h, w] in 0..1 of a file, or of a picture that scikit-image brings."""
    picture = image_files.read(path) if path else Picture.from_array(stand_in())
    return picture.pixels.expand(3, -1, -1).clamp(0, 1).contiguous()


def run_one(options: argparse.Namespace, side_px: int) -> dict[str, Any]:
    """One optimization at a long side, timed."""
    content, style = read(options.content, skimage.data.astronaut), read(options.style, skimage.data.gravel)
    factor = side_px / max(content.shape[1:])
    size = round(content.shape[1] * factor), round(content.shape[2] * factor)
    content = resized(content[None], size)[0].clamp(0, 1)
    settings = with_settings({"network": options.network, "steps": options.steps}, tuple(options.set))
    plan = from_dict(OptimizePlan, settings, where="--set")
    seconds: dict[int, list[float]] = {}
    told: dict[int, Progress] = {}
    last = time.perf_counter()

    def watch(progress: Progress) -> None:
        nonlocal last
        now = time.perf_counter()
        seconds.setdefault(progress.scale, []).append(now - last)
        told.setdefault(progress.scale, progress)
        last = now

    begun = time.perf_counter()
    made = optimize(content, [(style, 1.0)], plan, watch=watch)
    whole = time.perf_counter() - begun
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        image_files.write(Picture(made.pixels), options.out / f"optimized-{side_px}.png")
    return {
        "size": [size[1], size[0]],
        "network": made.network,
        "digest": made.digest,
        "steps": made.steps,
        "seconds": round(whole, 1),
        "seconds_a_step": {
            f"{told[scale].pixels.shape[2]}x{told[scale].pixels.shape[1]}": round(median(one[1:] or one), 3)
            for scale, one in seconds.items()
        },
        "first_losses": dict(told[max(told)].losses),
        "best_losses": dict(made.losses),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "plan": to_dict(plan),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", type=Path, help="a photograph (default: one of scikit-image)")
    parser.add_argument("--style", type=Path, help="a style picture (default: gravel of scikit-image)")
    parser.add_argument("--network", default="encoder", help="as in the plan: 'encoder', or a VGG-19's file")
    parser.add_argument("--sides", type=int, nargs="+", default=[512], help="long sides, in pixels")
    parser.add_argument("--steps", type=int, default=30, help="evaluations at the coarsest scale")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, a field of OptimizePlan")
    parser.add_argument("--out", type=Path, help="where the pictures are written")
    parser.add_argument("--json", type=Path, help="where the figures are written")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(run_one(options, options.only)))
        return 0
    found = []
    for side in options.sides:
        command = [sys.executable, __file__, *sys.argv[1:], "--only", str(side)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
        print(json.dumps({key: found[-1][key] for key in ("size", "seconds_a_step", "best_losses", "peak_mb")}))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine.described(), "runs": found}, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
