"""How fast sets are compared, beside torch-fidelity and torchmetrics: the same network, the same pictures.

python benchmarks/evaluate_speed.py --photos PHOTOS --network encoder --pictures 400 --rounds 5
python benchmarks/evaluate_speed.py --photos PHOTOS --network random-inception --pictures 48 --rounds 3

torch-fidelity is called as a whole (`calculate_metrics`: its own loader, batches, decoding and arithmetic) with the
network registered as a feature extractor, and without FID where the pictures are too few for it. It needs torchvision
for nothing that is used here, so a stand-in is put in its place where there is none. With "random-inception" the
extractor is torch-fidelity's own Inception-v3, and ours is compared with the same drawn weights. Rounds are
interleaved; the machine may be busy, therefore processor seconds (of all threads and worker processes) stand beside
the clock. Prints JSON.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFilter
from safetensors.torch import save_file
from torch import Tensor, nn

import machine
from vasari.models.inception import FEATURES, InceptionV3
from vasari.tasks.evaluate.files import pictures_in
from vasari.tasks.evaluate.network import Comparer
from vasari.tasks.evaluate.plan import EvaluatePlan
from vasari.tasks.evaluate.sets import Truth

RANDOM = "random-inception"
BATCH = 64  # torch-fidelity's


def main() -> None:
    """Time the ways in turn, compare their values, print JSON."""
    options = arguments()
    torch.set_num_threads(options.threads)
    package = fidelity()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        sets = cut(options.photos, made, options.pictures, options.px, options.seed)
        named = drawn_inception(made / "random.safetensors", sets) if options.network == RANDOM else options.network
        ways: dict[str, Callable[[], dict[str, float]]] = {
            "vasari": lambda: ours(named, sets, options.px, "float32"),
        }
        if options.network != RANDOM:
            ways["torchmetrics, FID alone"] = lambda: torchmetrics_fid(named, sets)
        if options.bfloat16:
            ways["vasari, bfloat16"] = lambda: ours(named, sets, options.px, "bfloat16")
        if package is not None:
            ways["torch-fidelity"] = lambda: torch_fidelity_values(package, named, sets, options)
        values: dict[str, dict[str, float]] = {}
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for round_ in range(options.rounds):
            names = list(ways)[round_ % len(ways) :] + list(ways)[: round_ % len(ways)]
            for name in names:
                values[name], spent = clocked(ways[name])
                seconds[name].append(spent)
                print(round_, name, [round(one, 2) for one in spent], file=sys.stderr, flush=True)
    print(json.dumps(summary(options, values, seconds), indent=1))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="pictures that the two sets are cut from")
    parser.add_argument("--network", default="encoder", help=f"a name or a file of weights, or {RANDOM}")
    parser.add_argument("--pictures", type=int, default=400, help="of each set")
    parser.add_argument("--px", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bfloat16", action="store_true", help="ours in bfloat16 too")
    return parser.parse_args()


def cut(photos: Path, folder: Path, count: int, px: int, seed: int) -> tuple[Path, Path]:
    """Two folders of squares as JPEG: of one half of the photographs, and of the other, a little blurred."""
    rng = np.random.default_rng(seed)
    paths = list(pictures_in(photos).values())
    found = []
    for number, name in enumerate(("real", "made")):
        target = folder / name
        target.mkdir()
        half = [Image.open(path).convert("RGB") for path in paths[number::2][:40]]
        for index in range(count):
            photo = half[int(rng.integers(len(half)))]
            left, top = (int(rng.integers(0, side - px)) for side in photo.size)
            square = photo.crop((left, top, left + px, top + px))
            if name == "made":
                square = square.filter(ImageFilter.GaussianBlur(0.8))
            square.save(target / f"{name}{index:05}.jpg", quality=92)
        found.append(target)
    return found[0], found[1]


def drawn_inception(path: Path, sets: tuple[Path, Path]) -> str:
    """A file of an Inception-v3 with drawn weights, normalized by pictures of both sets: its features differ."""
    torch.manual_seed(0)
    network = InceptionV3().train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    shown = [np.array(Image.open(one)) for folder in sets for one in sorted(folder.iterdir())[:4]]
    with torch.no_grad():
        network(torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2).float() / 255)
    save_file(network.state_dict(), path)
    return str(path)


def ours(named: str, sets: tuple[Path, Path], px: int, precision: str) -> dict[str, float]:
    """All numbers of `vasari evaluate --mode sets`, with their intervals; nothing comes from a cache."""
    with tempfile.TemporaryDirectory() as cache:
        plan = EvaluatePlan(mode="sets", network=named, px=px, cache=cache, precision=precision)
        truth = Truth.of(pictures_in(sets[0]), plan, Comparer.of_plan(plan), lambda done, all: None)
        found = truth.measure("made", pictures_in(sets[1]), lambda done, all: None)
    values = {score.metric.split("-")[0]: score.value for score in found.scores}
    return values | {f"{one.metric.split('-')[0]} half interval": (one.high - one.low) / 2 for one in found.scores}


class Means(nn.Module):
    """For the peers: uint8 [N, 3, px, px] to the means of the network's deepest map."""

    def __init__(self, comparer: Comparer) -> None:
        super().__init__()
        self.network, self.num_features = comparer.backbone.network, comparer.width()

    def forward(self, pixels: Tensor) -> Tensor:
        with torch.no_grad():
            return self.network(pixels.float() / 255)[-1].mean((2, 3))


def torchmetrics_fid(named: str, sets: tuple[Path, Path]) -> dict[str, float]:
    """FID of torchmetrics, pictures decoded one by one and given by the batch, as its documentation has it."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    means = Means(Comparer.of(named))
    metric = FrechetInceptionDistance(feature=means, normalize=False)
    for folder, real in zip(sets, (True, False), strict=True):
        paths = sorted(folder.iterdir())
        for start in range(0, len(paths), BATCH):
            batch = [np.array(Image.open(path).convert("RGB")) for path in paths[start : start + BATCH]]
            metric.update(torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2), real=real)
    return {"fid": float(metric.compute())} if means.num_features < len(paths) else {}


def fidelity() -> types.ModuleType | None:
    """torch-fidelity, imported with a stand-in for torchvision where there is none; None where it is not installed.

    The stand-in goes at once: others would take it for torchvision.
    """
    added = [] if importlib.util.find_spec("torchvision") else stand_in()
    try:
        import torch_fidelity
    except ImportError:
        return None
    finally:
        for name in added:
            del sys.modules[name]
    return torch_fidelity


def stand_in() -> list[str]:
    """Put names that torch-fidelity imports of torchvision into their place; of them its reading calls two."""

    class Compose:
        def __init__(self, steps: list[Callable[[Any], Any]]) -> None:
            self.steps = steps

        def __call__(self, value: Any) -> Any:
            for step in self.steps:
                value = step(value)
            return value

    made = {name: types.ModuleType(name) for name in (
        "torchvision", "torchvision.transforms", "torchvision.transforms.functional", "torchvision.datasets",
    )}  # fmt: skip
    made["torchvision.transforms.functional"].__dict__["pil_to_tensor"] = lambda picture: (
        torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
    )
    made["torchvision.transforms"].__dict__["Compose"] = Compose
    for name in ("CIFAR10", "CIFAR100", "STL10"):
        made["torchvision.datasets"].__dict__[name] = type(name, (), {})
    for name, module in made.items():
        owner, _, own = name.rpartition(".")
        if owner:
            made[owner].__dict__[own] = module
        sys.modules[name] = module
    return list(made)


def registered(base: Any, means: Means) -> type:
    """The same network, as torch-fidelity asks for it."""

    class Registered(base):
        """The same network, as torch-fidelity asks for it."""

        def __init__(self, name: str, features_list: list[str], **others: Any) -> None:
            super().__init__(name, features_list)
            self.means = means

        def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
            features = self.means(pixels)
            return tuple(features for _ in self.features_list)

        @staticmethod
        def get_provided_features_list() -> tuple[str, ...]:
            return ("means", "logits")

        @staticmethod
        def get_default_feature_layer_for_metric(metric: str) -> str:
            return "means"

        @staticmethod
        def can_be_compiled() -> bool:
            return False

    return Registered


def torch_fidelity_values(
    package: Any, named: str, sets: tuple[Path, Path], options: argparse.Namespace
) -> dict[str, float]:
    """All that it measures of two folders, by its defaults but for the network and the size of KID's subsets."""
    from torch_fidelity import feature_extractor_inceptionv3 as own
    from torch_fidelity.feature_extractor_base import FeatureExtractorBase

    inception, width = options.network == RANDOM, FEATURES
    if inception:
        from safetensors.torch import load_file

        own.load_state_dict_from_url = lambda *_, **__: load_file(named)
    else:
        means = Means(Comparer.of(named))
        width = means.num_features
        package.registry.FEATURE_EXTRACTORS_REGISTRY.pop("vasari-network", None)
        package.register_feature_extractor("vasari-network", registered(FeatureExtractorBase, means))
    found = package.calculate_metrics(
        input1=str(sets[1]), input2=str(sets[0]), cuda=False, kid=True, isc=inception, prc=True,
        fid=options.pictures > width,
        feature_extractor="inception-v3-compat" if inception else "vasari-network", cache=False, verbose=False,
        kid_subset_size=min(1000, options.pictures), kid_subsets=100 if options.pictures > 1000 else 2,
        prc_neighborhood=5,
    )  # fmt: skip
    names = {"frechet_inception_distance": "fid", "kernel_inception_distance_mean": "kid", "precision": "precision",
             "recall": "recall", "inception_score_mean": "is"}  # fmt: skip
    return {names[key]: float(value) for key, value in found.items() if key in names}


def clocked(way: Callable[[], dict[str, float]]) -> tuple[dict[str, float], tuple[float, float]]:
    """What a way gives, its seconds by the clock and of processors, worker processes with it."""
    before, began = processor_seconds(), time.perf_counter()
    values = way()
    return values, (time.perf_counter() - began, processor_seconds() - before)


def processor_seconds() -> float:
    """Seconds of processors that this process and its children have used."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def summary(
    options: argparse.Namespace, values: dict[str, dict[str, float]], seconds: dict[str, list[tuple[float, float]]]
) -> dict[str, Any]:
    """Medians, and medians of the ratios within a round."""
    told: dict[str, Any] = {"machine": machine.described(), "options": {k: str(v) for k, v in vars(options).items()}}
    for name, rounds in seconds.items():
        told[name] = {
            "seconds": round(median(one[0] for one in rounds), 3),
            "processor_seconds": round(median(one[1] for one in rounds), 3),
            "values": values[name],
        }
        pairs = list(zip(seconds["vasari"], rounds, strict=True))
        told[name]["times_ours"] = round(median(one[0] / our[0] for our, one in pairs), 2)
        told[name]["times_ours_processor"] = round(median(one[1] / our[1] for our, one in pairs), 2)
    return told


if __name__ == "__main__":
    main()
