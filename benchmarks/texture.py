"""Textures of the exemplars that scikit-image carries: seconds, peak memory, nearness, and the seam.

    python benchmarks/texture.py                                # optimize, 512 and 1024 px
    python benchmarks/texture.py --sides 4096 --samples ihc
    python benchmarks/texture.py --method gan --minutes 4 --sides 512 4096

Prints a line of JSON for each: `seconds` and `cpu_seconds` of the whole command in a process of its own, `peak_mb` its
largest resident memory, `patch_distance` in 8-bit levels beside that of two halves of the sample (`halves`, what is
possible) and of its pixels shuffled (`shuffled`), and `border_score`: how many standard errors the steps across the
borders of the tileable texture differ from those inside.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from machine import described
from vasari.foundation import image_files
from vasari.tasks.texture.statistics import border_score, patch_distance, repeats

SAMPLES = {
    "gravel": data.gravel,
    "grass": data.grass,
    "brick": data.brick,
    "ihc": data.immunohistochemistry,
    "stars": lambda: data.hubble_deep_field()[:512, :512],
}
LARGEST_JUDGED_PX = 1024


def write_samples(folder: Path, names: list[str]) -> dict[str, Path]:
    """The exemplars as PNG, 512 px a side."""
    paths = {name: folder / f"{name}.png" for name in names}
    for name, path in paths.items():
        Image.fromarray(SAMPLES[name]()).save(path)
    return paths


def measured(command: list[str]) -> dict[str, float | int]:
    """Run a command: its wall and processor seconds, and peak resident memory in MB."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return {
        "seconds": round(time.perf_counter() - begun, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss / 1024),
    }


def judged(made: Tensor, sample: Tensor) -> dict[str, float]:
    """How near a texture [C, h, w] is to its sample, and its seam."""
    part = made[:, :LARGEST_JUDGED_PX, :LARGEST_JUDGED_PX]
    middle = sample.shape[2] // 2
    order = torch.from_numpy(np.random.default_rng(0).permutation(sample[0].numel()))
    shuffled = sample.flatten(1)[:, order].view_as(sample)
    return {
        "patch_distance": round(patch_distance(part, sample), 2),
        "halves": round(patch_distance(sample[:, :, :middle], sample[:, :, middle:]), 2),
        "shuffled": round(patch_distance(shuffled, sample), 2),
        "repeats": round(repeats(part, sample), 3),
        "border_score": round(border_score(made), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", nargs="+", default=list(SAMPLES), choices=list(SAMPLES))
    parser.add_argument("--sides", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--method", default="optimize", choices=["optimize", "gan"])
    parser.add_argument("--minutes", type=float, default=4.0, help="gan: of training, once a sample")
    parser.add_argument("--keep", type=Path, help="folder for the textures; else they are thrown away")
    options = parser.parse_args()
    print(json.dumps(described()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for sample, path in write_samples(folder, options.samples).items():
            for side in options.sides:
                output = (options.keep or folder) / f"{sample}-{options.method}-{side}.png"
                command = [sys.executable, "-m", "vasari.app.cli.main", "texture", str(path), "--tileable"]
                command += ["--size", f"{side}x{side}", "--method", options.method, "-o", str(output), "--overwrite"]
                if options.method == "gan":
                    command += ["--minutes", str(options.minutes), "--run", str(folder / f"run-{sample}")]
                found = measured(command)
                scores = judged(image_files.read(output).pixels, image_files.read(path).pixels)
                print(json.dumps({"sample": sample, "side_px": side, **found, **scores}), flush=True)


if __name__ == "__main__":
    main()
