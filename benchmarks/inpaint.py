"""Take holes out of held-out photographs, fill them, and compare with the photographs inside the holes.

    python benchmarks/inpaint.py --photos DIR --photos DIR --features VGG.safetensors --features MOBILENET.safetensors

Two bands of free-form masks, 10-20 % and 30-50 % of the picture, drawn by another generator than the training's
(`second_masks.py`). PSNR is of the missing pixels alone; SSIM (11×11 Gaussian, scikit-image's, channels
averaged) is the mean of its map over them; the distance in features of each network of --features is averaged
over them too (`vasari.models.feature_networks.feature_distance`: neither LPIPS nor comparable with it).
In brackets: 95 % bootstrap intervals over the pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from skimage.metrics import structural_similarity

import second_masks
from pictures import HELD_OUT, choose, load, planes
from vasari.models.feature_networks import FeatureNetwork, feature_distance, load_features
from vasari.models.inpainters import smooth_fill
from vasari.tasks.inpaint.apply import inpaint
from vasari.tasks.inpaint.plan import InpaintPlan

BANDS = {"10-20 %": (0.1, 0.2), "30-50 %": (0.3, 0.5)}
DRAWS = 2000
HIGHEST_DB = 60.0
Fill = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Score:
    """What one method did to one hole: PSNR in dB, SSIM, distances by feature network, seconds."""

    method: str
    photo: str
    band: str
    covered: float
    psnr: float
    ssim: float
    distances: dict[str, float]
    seconds: float


def by_plan(plan: InpaintPlan) -> Fill:
    """The library's own way, uint8 [rows, columns, 3] to the same."""
    return lambda given, mask: inpaint(given, mask, plan).to_array(8)


def by_smooth_fill(given: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What the network begins with."""
    made = smooth_fill(planes(given)[None], torch.from_numpy(mask)[None, None].float())
    return (made[0].clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def methods(options: argparse.Namespace) -> dict[str, Fill]:
    """Everything that is to be compared: name to function of (given, mask)."""
    ways: dict[str, Fill] = {}
    for name in options.model or ["inpaint"]:
        ways[Path(name).stem] = by_plan(InpaintPlan(model=name, precision=options.precision))
    if not options.network_only:
        ways["smooth fill"] = by_smooth_fill
        for name in ("telea", "navier-stokes", "biharmonic", "exemplar"):
            ways[name] = by_plan(InpaintPlan(method=name))
    return ways


def score(
    made: np.ndarray, truth: np.ndarray, mask: np.ndarray, features: dict[str, FeatureNetwork]
) -> tuple[float, float, dict[str, float]]:
    """PSNR, SSIM and distances inside the mask."""
    error = np.square((made.astype(np.float64) - truth) / 255)[mask].mean()
    _, similar = structural_similarity(
        made, truth, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    weight = torch.from_numpy(mask)[None, None].float()
    distances = {
        name: float(feature_distance(network(planes(made)[None]), network(planes(truth)[None]), weight))
        for name, network in features.items()
    }
    return min(HIGHEST_DB, -10 * np.log10(max(error, 1e-12))), float(similar[mask].mean()), distances


def interval(values: list[float], seed: int = 0) -> str:
    """Mean and the 95 % interval of the mean by resampling."""
    found = np.asarray(values)
    chosen = np.random.default_rng(seed).integers(0, len(found), (DRAWS, len(found)))
    low, high = np.percentile(found[chosen].mean(1), [2.5, 97.5])
    return f"{found.mean():.3f} [{low:.3f}, {high:.3f}]"


def table(scores: list[Score], band: str) -> str:
    """Markdown: a row for each method."""
    mine = [one for one in scores if one.band == band]
    names = list(mine[0].distances)
    lines = ["| method | PSNR in the hole, dB | SSIM in the hole | " + " | ".join(names) + " | s |"]
    lines.append("|---" * (4 + len(names)) + "|")
    for method in dict.fromkeys(one.method for one in mine):
        own = [one for one in mine if one.method == method]
        cells = [interval([one.psnr for one in own]), interval([one.ssim for one in own])]
        cells += [interval([one.distances[name] for one in own]) for name in names]
        lines.append(f"| {method} | " + " | ".join(cells) + f" | {np.mean([one.seconds for one in own]):.2f} |")
    return "\n".join(lines)


def differences(scores: list[Score], band: str) -> str:
    """The first method less each other, hole by hole: by how much it is ahead, and how sure that is."""
    mine = [one for one in scores if one.band == band]
    names = list(dict.fromkeys(one.method for one in mine))
    own = {name: [one for one in mine if one.method == name] for name in names}
    lines = []
    for name in names[1:]:
        pairs = list(zip(own[names[0]], own[name], strict=True))
        parts = [f"PSNR {interval([a.psnr - b.psnr for a, b in pairs])}"]
        parts.append(f"SSIM {interval([a.ssim - b.ssim for a, b in pairs])}")
        for network in pairs[0][0].distances:
            parts.append(f"{network} {interval([a.distances[network] - b.distances[network] for a, b in pairs])}")
        lines.append(f"  {names[0]} less {name}: " + "; ".join(parts))
    return "\n".join(lines)


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, action="append", required=True, help="folder of photographs; repeatable")
    parser.add_argument("--model", action="append", help="bundled name or .safetensors file; repeatable")
    parser.add_argument("--features", type=Path, action="append", default=[], help="feature network; repeatable")
    parser.add_argument("--network-only", action="store_true", help="leave out the other methods")
    parser.add_argument("--count", type=int, default=24, help="photographs")
    parser.add_argument("--repeats", type=int, default=1, help="masks that each gets in a band")
    parser.add_argument("--long-side", type=int, default=256, help="pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--names", type=Path, default=HELD_OUT, help="file listing the photographs to use")
    parser.add_argument(
        "--any-photos", action="store_true", help="take photographs of the folders, whatever their names"
    )
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="float32")
    parser.add_argument("--pictures", type=Path, help="folder for sheets: given, every method, truth")
    parser.add_argument("--json", type=Path, help="write every score here")
    return parser.parse_args(arguments)


@torch.inference_mode()
def main(arguments: list[str]) -> None:
    options = options_of(arguments)
    paths = choose(options.photos, options.count, None if options.any_photos else options.names)
    ways, scores = methods(options), []
    features = {path.stem: load_features(path) for path in options.features}
    for band, (least, most) in BANDS.items():
        for index, path in enumerate(paths):
            truth = load(path, options.long_side)
            for repeat in range(options.repeats):
                rng = np.random.default_rng([options.seed, index, repeat, round(100 * least)])
                mask = second_masks.draw(rng, *truth.shape[:2], least, most)
                given = np.where(mask[:, :, None], np.uint8(0), truth)
                sheet = [given]
                for name, fill in ways.items():
                    began = time.perf_counter()
                    made = fill(given, mask)
                    seconds = time.perf_counter() - began
                    found = score(made, truth, mask, features)
                    scores.append(Score(name, path.name, band, float(mask.mean()), *found, seconds))
                    sheet.append(made)
                if options.pictures:
                    save_sheet([*sheet, truth], options.pictures / f"{band[:2]}-{index:02d}-{repeat}.png")
        print(f"\nmasks of {band}, {len(paths)} photographs, long side {options.long_side} px, seed {options.seed}\n")
        print(table(scores, band), differences(scores, band), sep="\n\n", flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in scores], indent=1), encoding="utf-8")


def save_sheet(pictures: list[np.ndarray], path: Path) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.hstack(pictures)).save(path)


if __name__ == "__main__":
    main(sys.argv[1:])
