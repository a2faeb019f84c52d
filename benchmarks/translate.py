"""How near translated photographs come to another domain, and how much of them is left: for unpaired translators.

    python benchmarks/translate.py --photos DIR --photos DIR --target PAINTINGS --model cut.safetensors \
        --features mobilenet_v1.safetensors --json translate.json

The held-out photographs, reduced to `--long-side` px, are translated whole; of each, and of what came of it, the same
`--crops` squares of 128 px are taken, and one of each target picture, whose short side is 256 px. `distance` is the
kernel distance of Bińkowski et al. 2018 in the named features, which are not Inception-v3's: it is no KID. "source" is
the photographs themselves. `kept` is the SSIM of the luma of result and source: 1 where all structure is left.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import machine
from pictures import choose, load, planes
from vasari.foundation.picture import Picture
from vasari.models.picture_features import feature_network
from vasari.tasks import set_metrics
from vasari.tasks.data.gather import gather
from vasari.tasks.data.plan import PicturesPlan
from vasari.tasks.generate.judge import features_of
from vasari.tasks.metrics import luma, structural_similarity
from vasari.tasks.translate.apply import translate

SIDE_PX = 128


def crops(pictures: list[Tensor], count: int, seed: int) -> Tensor:
    """`count` squares of each picture [3, h, w], at the same places for the same seed."""
    rng = np.random.default_rng(seed)
    found = []
    for one in pictures:
        for _ in range(count):
            top, left = (int(rng.integers(one.shape[axis] - SIDE_PX + 1)) for axis in (1, 2))
            found.append(one[:, top : top + SIDE_PX, left : left + SIDE_PX])
    return torch.stack(found)


def main() -> None:
    """Measure the source and all models, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, action="append", required=True)
    parser.add_argument("--target", type=Path, required=True)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--features", default="layout")
    parser.add_argument("--long-side", type=int, default=384)
    parser.add_argument("--crops", type=int, default=8)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    network = feature_network(options.features)
    paintings = gather([options.target], PicturesPlan(px=SIDE_PX, stored_px=256, place="center", flip=False))
    wanted = features_of(network, crops([as_planes(paintings[i]) for i in range(len(paintings))], 1, options.seed))
    photos = [planes(load(path, options.long_side)) for path in choose(options.photos, 24)]
    report: dict[str, object] = {"machine": machine.described(), "features": Path(options.features).stem}
    print("| model | distance | deviation | kept | change |\n|---|---|---|---|---|")
    for name in (None, *options.model):
        made = photos if name is None else [translate(Picture(one), name).pixels for one in photos]
        distance, deviation = set_metrics.kernel_distance(
            wanted, features_of(network, crops(made, options.crops, options.seed)), 10, 150
        )
        pairs = list(zip(made, photos, strict=True))
        kept = float(np.mean([float(structural_similarity(luma(a), luma(b))) for a, b in pairs]))
        change = float(np.mean([float((a - b).abs().mean()) for a, b in pairs]))
        label = "source" if name is None else Path(name).stem
        report[label] = {"distance": distance, "deviation": deviation, "kept": kept, "change": change}
        print(f"| {label} | {distance:.3f} | {deviation:.3f} | {kept:.3f} | {change:.4f} |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2))


def as_planes(pixels: np.ndarray) -> Tensor:
    """uint8 [rows, columns, 3] to float32 [3, rows, columns] in 0..1."""
    return planes(np.asarray(pixels))


if __name__ == "__main__":
    main()
