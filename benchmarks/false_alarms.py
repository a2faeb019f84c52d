"""Are sound pictures left alone? What the detector takes for damage in pictures that have none.

    python benchmarks/false_alarms.py --model restore-faithful

Pictures that come with scikit-image and that nothing was trained on, chosen for small things that look like marks:
worn coins, stars, spokes, letters, freckles, holes of cells. Told: the share of pixels that the detector puts above
0.5, in percent. Kept: PSNR of what the restorer makes of the picture with `--tone keep`, against the picture.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from networks import load_restorer, marks_of, run_restorer
from vasari.tasks.metrics import peak_signal_noise_ratio

PICTURES = (
    "coins",
    "hubble_deep_field",
    "motorcycle",
    "text",
    "page",
    "coffee",
    "rocket",
    "astronaut",
    "chelsea",
    "brick",
    "gravel",
    "moon",
    "clock",
    "cell",
    "immunohistochemistry",
)


def picture(name: str, long_side: int) -> Tensor:
    """[3, rows, columns] float32 in 0..1, at most `long_side` px long."""
    found = data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(data, name)()
    image = Image.fromarray(found).convert("RGB")
    image.thumbnail((long_side, long_side), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.asarray(image, np.float32).transpose(2, 0, 1) / 255)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", required=True, help="bundled name or file; repeatable")
    parser.add_argument("--long-side", type=int, default=512, help="pixels, at most")
    options = parser.parse_args(arguments)
    for model in options.model:
        ready, digest = load_restorer(model)
        print(f"{Path(model).stem} (sha256 {digest[:12]})")
        told, kept = [], []
        for name in PICTURES:
            given = picture(name, options.long_side)
            made = run_restorer(ready, given, torch.float32, keep_tone=True)
            marks = marks_of(ready, given)
            told.append(100 * float((marks > 0.5).float().mean()))
            kept.append(float(peak_signal_noise_ratio(made.picture.clamp(0, 1), given[None])))
            print(f"  {name}: told {told[-1]:.2f} %, kept {kept[-1]:.1f} dB", flush=True)
        print(f"  mean: told {np.mean(told):.2f} %, kept {np.mean(kept):.1f} dB")


if __name__ == "__main__":
    main(sys.argv[1:])
