"""Megapixels a second: `vasari restore` end to end on 12-megapixel JPEGs, and the networks alone.

    python benchmarks/speed.py --model restore-faithful --pictures 4 --json speed.json

End to end is the command as a person calls it (start, reading, restoring, writing, records) on real
photographs enlarged to 4000×3000 with grain added. The networks are timed on one tile, the median of
`--rounds` after one round for warming up: ours as shipped, ours in PyTorch's defaults (eager float32,
contiguous), and FFDNet as published (eager float32). All ratios come from the one run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import skimage.data
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

import machine
from ffdnet import ColorFFDNet
from networks import load_restorer
from vasari.foundation.devices import choose_precision
from vasari.models.restorers import OVERVIEW_PX, Restorer

PHOTOGRAPHS = (skimage.data.astronaut, skimage.data.coffee, skimage.data.chelsea, skimage.data.rocket)
WIDTH, HEIGHT = 4000, 3000


def large_photograph(number: int) -> np.ndarray:
    """uint8 [3000, 4000, 3]: a photograph of scikit-image enlarged, with grain so that it is no smooth blur."""
    small = PHOTOGRAPHS[number % len(PHOTOGRAPHS)]()[:, :, :3]
    large = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    noise = np.random.default_rng(number).normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32)
    fine = cv2.GaussianBlur(noise, (0, 0), 0.7) * 12 + cv2.GaussianBlur(noise, (0, 0), 3) * 30
    return np.clip(np.rint(large + fine[:, :, None]), 0, 255).astype(np.uint8)


class Contiguous(TorchFunctionMode):
    """PyTorch's default memory layout, whatever layout the network asks for."""

    def __torch_function__(
        self, function: Any, types: Any, arguments: Any = (), options: Mapping[str, Any] | None = None
    ) -> Any:
        if function is Tensor.contiguous:
            return function(*arguments)
        return function(*arguments, **(options or {}))


def seconds(call: Callable[[], object], rounds: int) -> float:
    """The median time of `rounds` calls, after one that does not count."""
    call()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times)


@torch.inference_mode()
def networks_alone(network: Restorer, side: int, rounds: int) -> dict[str, float]:
    """MP/s of one tile of `side`² px through each network."""
    tile = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    survey = network.survey(tile[:, :, :OVERVIEW_PX, :OVERVIEW_PX])
    window = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    precision = choose_precision("auto", torch.device("cpu"))

    def as_shipped() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
            return network(tile.contiguous(memory_format=torch.channels_last), survey, window).picture

    def by_default() -> Tensor:
        with Contiguous():
            return network(tile, survey, window).picture

    denoiser, level = ColorFFDNet().eval(), torch.tensor([0.1])
    megapixels, bits = side * side / 1e6, str(precision).removeprefix("torch.")
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    timed = {f"ours as shipped ({bits}, channels last)": megapixels / seconds(as_shipped, rounds)}
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    timed["ours by default (eager float32, contiguous)"] = megapixels / seconds(by_default, rounds)
    timed["FFDNet as published (eager float32)"] = megapixels / seconds(lambda: denoiser(tile, level), rounds)
    return timed


def command(*arguments: str) -> float:
    """Seconds that `vasari` takes with these arguments; exits where it fails."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "vasari.app.cli.main", *arguments], capture_output=True, text=True, encoding="utf-8"
    )
    if done.returncode:
        raise SystemExit(f"vasari {arguments[0]} failed with {done.returncode}: {done.stderr[-800:]}")
    return time.perf_counter() - start


def end_to_end(model: str, pictures: int, folder: Path) -> dict[str, float]:
    """MP/s of the whole command over `pictures` JPEGs, and without what a single small picture takes."""
    scans = folder / "scans"
    scans.mkdir()
    for number in range(pictures):
        pixels = large_photograph(number)[:, :, ::-1]
        cv2.imwrite(str(scans / f"scan_{number:02d}.jpg"), pixels, [cv2.IMWRITE_JPEG_QUALITY, 92])
    cv2.imwrite(str(folder / "small.jpg"), pixels[:64, :64])
    start_up = command("restore", str(folder / "small.jpg"), "-o", str(folder / "small"), "--model", model)
    whole = command("restore", str(scans), "-o", str(folder / "restored"), "--model", model)
    megapixels = pictures * WIDTH * HEIGHT / 1e6
    return {
        "seconds for all": whole,
        "seconds for a small picture": start_up,
        "end to end, start included": megapixels / whole,
        "end to end, start not included": megapixels / (whole - start_up),
    }


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="restore-faithful", help="bundled name or .safetensors file")
    parser.add_argument("--pictures", type=int, default=4, help="JPEGs of 12 MP")
    parser.add_argument("--side", type=int, default=1024, help="of the tile for the networks alone, px")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--networks-only", action="store_true", help="leave the command out")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    report: dict[str, object] = {"machine": machine.described()}
    print(report["machine"])
    timed = networks_alone(load_restorer(options.model)[0].restorer, options.side, options.rounds)
    report["networks"] = timed
    for name, speed in timed.items():
        print(f"  {name:52s} {speed:7.2f} MP/s")
    shipped, default, denoiser = timed.values()
    print(f"  ours as shipped against default {shipped / default:.1f}×, against FFDNet {shipped / denoiser:.1f}×")
    if not options.networks_only:
        help_times = [command("--help") for _ in range(options.rounds)]
        print(f"vasari --help: median {median(help_times):.2f} s, worst {max(help_times):.2f} s")
        with tempfile.TemporaryDirectory() as folder:
            whole = end_to_end(options.model, options.pictures, Path(folder))
        report |= {"help seconds": help_times, "end to end": whole}
        print(f"vasari restore, {options.pictures} JPEGs of 4000×3000:")
        for name, value in whole.items():
            print(f"  {name:52s} {value:7.2f}")
        speed = whole["end to end, start included"]
        print(f"  against default {speed / default:.1f}×, against FFDNet {speed / denoiser:.1f}×")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
