"""What vividness gives and what it costs, and a sheet on which to judge it without knowing which is which.

    python benchmarks/vivid.py --photos DIR --photos DIR --vividness 0 0.5 1
    python benchmarks/vivid.py --photos DIR --any-photos --sheet sheet.png

The album of `restore_aged.py`, the second simulator. PSNR and SSIM against the photograph as it was; strength of the
finest detail (deviation from a 1 2 1 mean) as a share of the clean picture's, in the tone that the survey gave: where
the clean picture has most of it (the upper half of cells of 16 px), and where it is flat (the lowest quarter: skies,
skin, walls), in 8-bit levels; checks, the deviation of what alternates from pixel to pixel both ways, in 8-bit levels;
`--judge FILE`, a VGG-19 of `vgg19_slim16_encoder5`'s form that no restorer was trained with, adds the distance of its
features and of their Gram matrices.

The sheet has the busiest and the flattest square of each picture at 100 %: aged, one, the other, in an order drawn
for each row; the key is written beside it.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from networks import Ready, as_saved, load_restorer, run_restorer
from pictures import HELD_OUT, choose, rows
from restore_aged import Aged, album, score
from sheet import row, stacked
from vasari.models import hub
from vasari.models.blocks import smoothed
from vasari.models.losses import in_the_tone_of

CELL_PX = 16
SQUARES = ("busiest", "flattest")
JUDGE_LAYERS = ["11", "12", "p", "21", "22", "p", "31", "32", "33", "34", "p", "41", "42", "43", "44", "p", "51"]


class Judge:
    """Features of a VGG-19 whose convolutions are named `conv11` .. `conv51`, `conv0` setting its range."""

    def __init__(self, path: Path) -> None:
        self._weights = {name: one.float() for name, one in load_file(path).items()}

    def features(self, pixels: Tensor) -> list[Tensor]:
        """[1, 3, h, w] in 0..1 -> relu1_1 .. relu5_1."""
        x, found = self._convolved(pixels, "conv0", 0), []
        for layer in JUDGE_LAYERS:
            x = functional.max_pool2d(x, 2) if layer == "p" else functional.relu(self._convolved(x, f"conv{layer}", 1))
            if layer[1:] == "1":
                found.append(x)
        return found

    def _convolved(self, x: Tensor, name: str, edge: int) -> Tensor:
        x = functional.pad(x, (edge,) * 4, mode="reflect")
        return functional.conv2d(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def distances(self, made: Tensor, truth: Tensor) -> dict[str, float]:
        """Of features, and of their Gram matrices: sums over five depths, each relative to the truth's."""
        pairs = list(zip(self.features(made), self.features(truth), strict=True))
        grams = [(gram(one), gram(other)) for one, other in pairs]
        return {
            "features": sum(float((one - other).abs().mean() / other.mean()) for one, other in pairs),
            "Gram": sum(float((one - other).norm() / other.norm()) for one, other in grams),
        }


def gram(features: Tensor) -> Tensor:
    flat = features.flatten(2)
    return flat @ flat.mT / flat.shape[2]


def strength(pixels: Tensor) -> Tensor:
    """Deviation of [1, 3, h, w] from a 1 2 1 mean by cell of `CELL_PX`: [h // 16, w // 16]."""
    return functional.avg_pool2d((pixels - smoothed(pixels)).square().mean(1), CELL_PX)[0].sqrt()


def checks(pixels: Tensor) -> float:
    """Deviation of what alternates from pixel to pixel both ways in [1, 3, h, w], in 8-bit levels."""
    steps = torch.tensor([1.0, -2.0, 1.0]) / 4
    alternating = functional.conv2d(pixels.flatten(0, 1)[:, None], torch.outer(steps, steps)[None, None])
    return 255 * float(alternating.square().mean().sqrt())


def restorers_at(choice: list[float], vivid_name: str) -> dict[float, Ready]:
    """The restorer at each vividness."""
    faithful, _ = load_restorer("restore-faithful")
    vivid, _ = load_restorer(vivid_name)
    made = {}
    for share in choice:
        network = copy.deepcopy(faithful.restorer)
        network.load_state_dict(hub.interpolate(faithful.restorer, vivid.restorer, share))
        made[share] = Ready(network, faithful.detector)
    return made


@torch.inference_mode()
def measured(one: Aged, restorers: dict[float, Ready], judge: Judge | None) -> dict[str, dict[str, float]]:
    """Every figure of one aged picture, by what was done to it."""
    results = {f"vividness {share:g}": run_restorer(ready, one.aged) for share, ready in restorers.items()}
    toned = next(iter(results.values())).toned.float()
    truth = in_the_tone_of(one.target[None], toned, one.mask[None]).clamp(0, 1)
    pictures = {"aged, in tone": toned} | {name: as_saved(result.picture)[None] for name, result in results.items()}
    wanted = strength(truth)
    flat, busy = wanted <= wanted.quantile(0.25), wanted >= wanted.median()
    found = {}
    for name, picture in pictures.items():
        given = strength(picture.clamp(0, 1))
        decibels, similar = score(picture[0].clamp(0, 1), one.target, one.grey)
        found[name] = {
            "PSNR": decibels,
            "SSIM": similar,
            "fine, busy": float(given[busy].mean() / wanted[busy].mean()),
            "fine, flat": 255 * float(given[flat].mean()),
            "of clean, flat": 255 * float(wanted[flat].mean()),
            "checks": checks(picture.clamp(0, 1)),
            "of clean, checks": checks(truth),
        } | (judge.distances(picture.clamp(0, 1), truth) if judge else {})
    return found


def squares(target: Tensor, side: int) -> list[tuple[slice, slice]]:
    """The busiest and the flattest square of a picture [3, h, w]; smaller where the picture is narrower."""
    side = min(side, *target.shape[1:])
    detail = (target[None] - smoothed(target[None])).square().mean(1, keepdim=True)
    means = functional.avg_pool2d(detail, side, CELL_PX)[0, 0]
    places = [divmod(int(pick), means.shape[1]) for pick in (means.argmax(), means.argmin())]
    return [(slice(r * CELL_PX, r * CELL_PX + side), slice(c * CELL_PX, c * CELL_PX + side)) for r, c in places]


@torch.inference_mode()
def blind(found: list[Aged], restorers: dict[float, Ready], options: argparse.Namespace) -> None:
    """Write the sheet, and which column is which beside it with the suffix .json."""
    path, rng, lines, key = options.sheet, np.random.default_rng(options.seed), [], []
    for one in found:
        made = {share: rows(as_saved(run_restorer(ready, one.aged).picture)) for share, ready in restorers.items()}
        for kind, place in zip(SQUARES, squares(one.target, options.crop), strict=True):
            if kind not in options.squares:
                continue
            order = [list(made)[at] for at in rng.permutation(len(made))]
            number = len(lines) + 1
            columns = [(f"{number}: {one.era}, {one.severity}", rows(one.aged))]
            columns += [(chr(ord("A") + at), made[share]) for at, share in enumerate(order)]
            lines.append(row(columns, place, 0))
            named = {chr(ord("A") + at): share for at, share in enumerate(order)}
            key.append({"row": number, "picture": one.photo, "square": kind, "vividness": named})
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.rint(stacked(lines)[:, :, ::-1] * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85])
    path.with_suffix(".json").write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")
    print(f"{path}, {path.with_suffix('.json')}")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, action="append", required=True, help="folder of photographs; repeatable")
    parser.add_argument("--any-photos", action="store_true", help="take photographs of any name")
    parser.add_argument("--count", type=int, default=24, help="photographs, at most")
    parser.add_argument("--severities", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--long-side", type=int, default=512, help="pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--vividness", type=float, nargs="+", default=[0.0, 1.0])
    parser.add_argument("--vivid", default="restore-vivid", help="bundled name or file")
    parser.add_argument("--judge", type=Path, help="weights of another feature network, .safetensors")
    parser.add_argument("--sheet", type=Path, help="write a blind sheet here in place of figures")
    parser.add_argument("--squares", nargs="+", choices=SQUARES, default=SQUARES, help="which squares it shows")
    parser.add_argument("--crop", type=int, default=192, help="side of its squares, px")
    options = parser.parse_args(arguments)
    paths = choose(options.photos, options.count, None if options.any_photos else HELD_OUT)
    asked = argparse.Namespace(
        simulator="second",
        severities=options.severities,
        repeats=1,
        seed=options.seed,
        long_side=options.long_side,
    )
    restorers = restorers_at(options.vividness, options.vivid)
    if options.sheet:
        blind(list(album(paths, asked)), restorers, options)
        return
    judge, figures = Judge(options.judge) if options.judge else None, defaultdict(lambda: defaultdict(list))
    for one in album(paths, asked):
        for name, values in measured(one, restorers, judge).items():
            for figure, value in values.items():
                figures[name][figure].append(value)
    for name, values in figures.items():
        told = ", ".join(f"{figure} {np.mean(one):.3f}" for figure, one in values.items())
        print(f"{name:16s} n={len(values['PSNR'])}: {told}")


if __name__ == "__main__":
    main(sys.argv[1:])
