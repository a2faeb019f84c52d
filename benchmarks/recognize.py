"""Recognizing periods and artists of dated paintings: methods and feature networks, judged on pictures kept apart.

    python benchmarks/recognize.py --paintings PAINTINGS
    python benchmarks/recognize.py --paintings PAINTINGS --features encoder mobilenet.safetensors --seeds 5
    python benchmarks/recognize.py --paintings PAINTINGS --methods cnn --tasks periods --images 1500 --px 128

PAINTINGS holds `index.csv` with the columns file, artist, year_from and year_to. *Periods* are half centuries with ten
artists or more, and no artist is in two parts; *artists* are those with eight works or more, parted picture by picture.
Prints a line of JSON for each task, network, method and seed of the split, then means and deviations over the seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import fmean, pstdev

import torch

from machine import described
from vasari.models.backbones import read_backbone
from vasari.models.pooling import PooledFeatures
from vasari.tasks.recognize.fitting import fitted, prepared
from vasari.tasks.recognize.labels import Labeled, LabeledPicture, read_labeled
from vasari.tasks.recognize.pictures import Extracted, extracted
from vasari.tasks.recognize.plan import METHODS, LabelsPlan, RecognizePlan, SplitPlan
from vasari.tasks.recognize.split import enough

TASKS = {
    "periods": (LabelsPlan(period_years=50), {"group_by": "artist", "fewest_groups": 10}),
    "artists": (LabelsPlan(label_column="artist"), {"group_by": "none", "fewest_groups": 8, "fewest_pictures": 8}),
}
TOLD = ("balanced_accuracy", "accuracy", "macro_f1", "calibration_before", "calibration_after", "coverage", "precision")


def measured(pictures: list[LabeledPicture], known: dict[Path, tuple[torch.Tensor, str]]) -> Extracted:
    """Features that were extracted before, of some pictures; exact repeats are left out as ever."""
    positions, repeats, seen = [], [], set()
    for at, one in enumerate(pictures):
        if one.path not in known:
            continue
        (repeats if known[one.path][1] in seen else positions).append(at)
        seen.add(known[one.path][1])
    vectors = torch.stack([known[pictures[at].path][0] for at in positions])
    hashes = tuple(known[pictures[at].path][1] for at in positions)
    return Extracted(vectors, tuple(positions), hashes, (), tuple(repeats))


def extract_all(paths: list[Path], features: str, px: int) -> tuple[dict[Path, tuple[torch.Tensor, str]], float]:
    """Features and hash of every picture, and the seconds they took."""
    backbone = read_backbone(features)
    began = time.process_time()
    found = extracted(paths, PooledFeatures(backbone.network), px or backbone.px)
    seconds = time.process_time() - began
    rows = zip(found.positions, found.vectors, found.hashes, strict=True)
    known = {paths[at]: (vector, sha256) for at, vector, sha256 in rows}
    for at in found.repeats:  # told apart again for each task
        known[paths[at]] = (torch.zeros_like(found.vectors[0]), f"repeat {at}")
    return known, seconds


def one_run(
    labeled: Labeled, known: dict[Path, tuple[torch.Tensor, str]], features: str, plan: RecognizePlan, split: SplitPlan
) -> dict[str, object]:
    """Fit and judge once: the figures by name."""
    backbone = read_backbone(features)
    kept, notes = enough(labeled.pictures, split)
    kept = [one for one in kept if one.path in known and not known[one.path][1].startswith("repeat")]
    began = time.process_time()
    data = prepared(kept, measured(kept, known), split, notes)
    trained = fitted(data, backbone, plan.px or backbone.px, plan, split)
    found = trained.evaluation
    return {
        "classes": len(found.classes),
        "pictures": len(data.pictures),
        "tested": found.pictures,
        **found.scores,
        "chance": found.chance["balanced_accuracy"],
        "most_frequent": found.chance["accuracy"],
        "interval": found.intervals["balanced_accuracy"],
        "calibration_before": found.calibration_before,
        "calibration_after": found.calibration_after,
        "temperature": trained.recognizer.temperature,
        "coverage": found.coverage,
        "precision": found.precision,
        "cpu_seconds": round(time.process_time() - began, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--features", nargs="+", default=["encoder"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["probe", "knn"])
    parser.add_argument("--tasks", nargs="+", choices=tuple(TASKS), default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=3, help="splits")
    parser.add_argument("--px", type=int, default=0)
    parser.add_argument("--sure", type=float, default=0.8)
    parser.add_argument("--images", type=int, default=1500, help="cnn: images shown")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--balanced", action="store_true")
    asked = parser.parse_args()
    print(described(), file=sys.stderr)
    labeled = {task: read_labeled(asked.paintings / "index.csv", TASKS[task][0]) for task in asked.tasks}
    paths = sorted({one.path for found in labeled.values() for one in found.pictures})
    for features in asked.features:
        known, seconds = extract_all(paths, features, asked.px)
        name = Path(features).stem
        print(json.dumps({"features": name, "pictures": len(known), "cpu_seconds": round(seconds, 1)}), flush=True)
        for task in asked.tasks:
            for method in asked.methods:
                runs = []
                for seed in range(asked.seeds):
                    split = SplitPlan(small_classes="leave-out", seed=seed, **TASKS[task][1])
                    plan = RecognizePlan(
                        method=method,
                        features=features,
                        px=asked.px,
                        sure=asked.sure,
                        images=asked.images,
                        batch=asked.batch,
                        balanced=asked.balanced,
                    )
                    runs.append(one_run(labeled[task], known, features, plan, split))
                    print(json.dumps({"task": task, "features": name, "method": method, "seed": seed, **runs[-1]}))
                means = {key: [float(run[key]) for run in runs if run[key] is not None] for key in TOLD}
                shown = {key: f"{fmean(one):.3f} ± {pstdev(one):.3f}" for key, one in means.items() if one}
                print(json.dumps({"task": task, "features": name, "method": method, **shown}, ensure_ascii=False))
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
