"""How near samples of generators come to the pictures they were trained on, and how much of them they cover.

    python benchmarks/generate_sets.py --data PAINTINGS --model dcgan.safetensors --model rpgan.safetensors \
        --features mobilenet_v1.safetensors --samples 2000 --json generate.json

Every model makes `--samples` pictures from the same noise seeds; they and the training pictures (each once, center
crop) go through a feature network. "layout" features need no file; MobileNet's are learned (ImageNet). Neither is
Inception-v3, so the kernel distance here is no KID. Its deviation is over ten subsets; lower is better, as is
a `nearest` near 1 (well below: copies); coverage and recall are better the higher.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch

import machine
from vasari.models import hub
from vasari.models.generators import Generator
from vasari.models.picture_features import feature_network
from vasari.tasks import set_metrics
from vasari.tasks.data.gather import gather
from vasari.tasks.data.plan import PicturesPlan
from vasari.tasks.generate.judge import features_of, sampled

SHOWN = ("kernel_distance", "kernel_distance_deviation", "coverage", "density", "recall", "diversity", "nearest")


def main() -> None:
    """Measure all models with all features and print a table for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, action="append")
    parser.add_argument("--model", required=True, action="append")
    parser.add_argument("--features", action="append", default=[])
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report: dict[str, object] = {"machine": machine.described(), "samples": options.samples, "seed": options.seed}
    for features in options.features or ["layout"]:
        network = feature_network(features)
        print(f"\nfeatures: {Path(features).stem}\n| model | {' | '.join(SHOWN)} |\n|{'---|' * (len(SHOWN) + 1)}")
        for name in options.model:
            generator = hub.load(name).network
            if not isinstance(generator, Generator):
                sys.exit(f"{name} is no generator.")
            pictures = gather(options.data, PicturesPlan(px=generator.px))
            real = torch.stack([pictures.tensor(index, generator.px) for index in range(len(pictures))])
            made = sampled(generator, options.samples, options.seed)
            found = set_metrics.compare_sets(features_of(network, real), features_of(network, made))
            report[f"{Path(features).stem}/{name}"] = found
            print(f"| {Path(name).stem} | " + " | ".join(f"{found[key]:.4g}" for key in SHOWN) + " |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
