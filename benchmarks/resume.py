"""`kill -9` at random moments of a training, each followed by --resume: is the curve the undisturbed one?

    python benchmarks/resume.py --recipe rpgan --kills 5 --json resume.json

Trains a recipe of the generators, small, on crops of scikit-image's photographs, once in peace and once killed
`--kills` times at random moments; then compares every line of the two logs and every number of the last checkpoints.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import skimage.data
import torch
from PIL import Image

import machine
from vasari.foundation.runs import RunFolder

TIMED = ("images_per_second", "seconds")
SETTINGS = {
    "train.images": "4000",
    "train.batch": "8",
    "train.log_every_steps": "1",
    "train.save_every_seconds": "1",
    "train.validate_every_images": "1000",
    "objective.judged_samples": "32",
}


def write_pictures(folder: Path) -> None:
    """48 crops of three photographs as PNG."""
    folder.mkdir()
    for name in ("astronaut", "coffee", "chelsea"):
        whole = getattr(skimage.data, name)()
        for number in range(16):
            top, left = 30 * (number // 4), 40 * (number % 4)
            Image.fromarray(whole[top : top + 160, left : left + 160]).save(folder / f"{name}-{number:02d}.png")


def command(recipe: str, data: Path, run: Path, settings: list[str]) -> list[str]:
    """`vasari train`, resumable."""
    given = [f"{key}={value}" for key, value in SETTINGS.items()] + settings
    sets = [part for one in given for part in ("--set", one)]
    vasari = [sys.executable, "-m", "vasari.app.cli.main"]
    return [*vasari, "train", recipe, "--data", str(data), "-o", str(run), "--resume", *sets]


def until_done(arguments: list[str], kills: int, longest: float, rng: random.Random) -> int:
    """Start the command until it ends by itself, killing it `kills` times; returns how often it was killed."""
    killed = 0
    while True:
        process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if killed < kills:
            time.sleep(rng.uniform(0.3, 1.0) * longest)
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                killed += 1
                continue
        if process.wait():
            sys.exit(f"{' '.join(arguments)} ended with {process.returncode}.")
        return killed


def curve(run: Path) -> list[dict[str, float]]:
    """The log without its times."""
    return [{key: one for key, one in line.items() if key not in TIMED} for line in RunFolder(run).read_log()]


def main() -> None:
    """Run both, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", default="rpgan")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_pictures(folder / "data")
        began = time.monotonic()
        until_done(command(options.recipe, folder / "data", folder / "whole", options.settings), 0, 0, random.Random())
        seconds = time.monotonic() - began
        arguments = command(options.recipe, folder / "data", folder / "parted", options.settings)
        killed = until_done(arguments, options.kills, seconds / 2, random.Random(options.seed))
        same_curve = curve(folder / "whole") == curve(folder / "parted")
        one, other = (RunFolder(folder / name).read_checkpoint() for name in ("whole", "parted"))
        if one is None or other is None:
            sys.exit("A run left no checkpoint.")
        differing = [name for name in one.tensors if not torch.equal(one.tensors[name], other.tensors[name])]
        lines = len(curve(folder / "whole"))
    report = {"machine": machine.described(), "recipe": options.recipe, "killed": killed, "lines": lines}
    report |= {"same_curve": same_curve, "tensors": len(one.tensors), "differing_tensors": len(differing)}
    print(json.dumps(report, indent=2))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2))
    sys.exit(not same_curve or bool(differing))


if __name__ == "__main__":
    main()
