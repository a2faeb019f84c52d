"""How far results of style transfer are from style and content, in a network that trained none of them.

    python benchmarks/stylize.py --photos DIR --photos DIR --styles DIR --features mobilenet_v1.safetensors \\
        --model stylize --model plain.safetensors --optimized 6 --json stylize.json

Every held-out photograph (long side `--long-side` px) takes the style of the next `--styles-each` pictures of --styles,
which must not have been trained on. `style` is the distance of Gram matrices, each depth divided by its target's size
(`losses_style.matrix_distance`, relative), mean over the depths; `content` the mean square difference of the two middle
depths after each channel was brought to mean 0 and deviation 1. Lower is nearer. "source" is the photograph itself, and
"optimize" what `--method optimize` makes of the first `--optimized` pairs with the bundled encoder; the paired rows
repeat all others on these pairs. Intervals are 95 % of a bootstrap over photographs. A blend at 0.5 of two styles is
"between" where its distance to each lies between that of the one's and of the other's own result.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

import machine
from pictures import KINDS, choose, load, planes
from vasari.models import hub
from vasari.models.canvas import on_canvas
from vasari.models.feature_networks import load_features
from vasari.models.losses_style import content_distance, gram, matrix_distance
from vasari.models.style import StyleCode, moments
from vasari.tasks.stylize.coding import style_code
from vasari.tasks.stylize.edges import MARGIN_PX, mirrored
from vasari.tasks.stylize.optimize.plan import OptimizePlan
from vasari.tasks.stylize.optimize.run import optimize

CONTENT_DEPTHS = (1, 2)
Pair = tuple[int, int]


class Judge:
    """The distances, in the features of a network that is named on the command line."""

    def __init__(self, path: str) -> None:
        self.features = load_features(path)

    @torch.inference_mode()
    def style(self, made: Tensor, style: Tensor) -> float:
        """The distance of [3, h, w] from a style picture [3, h', w']."""
        pairs = zip(self.features(made[None]), self.features(style[None]), strict=True)
        return float(torch.stack([matrix_distance(gram(a), gram(b), "relative") for a, b in pairs]).mean())

    @torch.inference_mode()
    def content(self, made: Tensor, content: Tensor) -> float:
        """The distance of [3, h, w] from the content of the same size."""
        a, b = self.features(made[None]), self.features(content[None])
        pairs = [(functional.instance_norm(a[d]), functional.instance_norm(b[d])) for d in CONTENT_DEPTHS]
        return float(torch.stack([content_distance(one, other) for one, other in pairs]).mean())


@torch.inference_mode()
def painted(stylizer: torch.nn.Module, content: Tensor, code: StyleCode, encoder: torch.nn.Module) -> Tensor:
    """A content [3, h, w] in one pass, float32, whole."""
    framed = on_canvas(mirrored(content[None], MARGIN_PX, 16), -MARGIN_PX, -MARGIN_PX)
    features = encoder(framed)
    made = stylizer(features, moments(features), code.moments())[0]
    return made[:, MARGIN_PX : MARGIN_PX + content.shape[1], MARGIN_PX : MARGIN_PX + content.shape[2]]


def interval(values: dict[Pair, float]) -> tuple[float, float, float]:
    """Mean and 95 % interval of a bootstrap that draws photographs, with all their styles."""
    photos = sorted({photo for photo, _ in values})
    groups = [[value for (photo, _), value in values.items() if photo == one] for one in photos]
    rng = np.random.default_rng(0)
    draws = rng.integers(len(groups), size=(2000, len(groups)))
    means = [np.concatenate([groups[one] for one in draw]).mean() for draw in draws]
    return float(np.mean(list(values.values()))), *(float(one) for one in np.percentile(means, (2.5, 97.5)))


def between(model: Callable[[int, StyleCode], Tensor], codes: list[StyleCode], styles: list[Tensor], judge: Judge,
            photos: int) -> float:  # fmt: skip
    """The share of (photograph, neighboring styles) whose blend lies between, counted for each of both styles."""
    counted: list[bool] = []
    for photo, (a, b) in itertools.product(range(photos), itertools.pairwise(range(len(codes)))):
        first, last = model(photo, codes[a]), model(photo, codes[b])
        blend = model(photo, StyleCode.mean([codes[a], codes[b]]))
        for near, far, style in ((first, last, styles[a]), (last, first, styles[b])):
            counted.append(judge.style(near, style) <= judge.style(blend, style) <= judge.style(far, style))
    return float(np.mean(counted))


def options_of() -> argparse.Namespace:
    """What was asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, action="append", required=True)
    parser.add_argument("--styles", type=Path, required=True, help="folder of style pictures")
    parser.add_argument("--features", required=True)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--count", type=int, default=24, help="photographs")
    parser.add_argument("--styles-each", type=int, default=3)
    parser.add_argument("--optimized", type=int, default=6)
    parser.add_argument("--steps", type=int, default=150, help="of the optimization at its coarsest scale")
    parser.add_argument("--long-side", type=int, default=384)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    """Measure all, and print a table."""
    options, report = options_of(), {}
    judge = Judge(options.features)
    contents = [planes(load(path, options.long_side)) for path in choose(options.photos, options.count)]
    paths = sorted(path for path in options.styles.iterdir() if path.suffix.lower() in KINDS)
    styles = [planes(load(path, options.long_side)) for path in paths]
    encoder = hub.load("encoder").network
    codes = [style_code(path) for path in paths]
    pairs = [(i, (i + j) % len(styles)) for i in range(len(contents)) for j in range(options.styles_each)]
    optimized = pairs[:: max(1, len(pairs) // max(1, options.optimized))][: options.optimized]
    networks = {Path(name).stem: hub.load(name).network for name in options.model}
    plan = OptimizePlan(steps=options.steps)
    ways: dict[str, Callable[[int, int], Tensor]] = {"source": lambda i, j: contents[i]}
    for name, network in networks.items():
        ways[name] = lambda i, j, network=network: painted(network, contents[i], codes[j], encoder)  # type: ignore[misc]
    rows = [(name, way, pairs) for name, way in ways.items()]
    rows += [(f"{name}, the pairs of optimize", way, optimized) for name, way in ways.items()]
    rows += [("optimize", lambda i, j: optimize(contents[i], [(styles[j], 1.0)], plan).pixels, optimized)]
    print("| way | n | style | 95 % | content | 95 % |\n|---|---|---|---|---|---|")
    for name, way, chosen in rows:
        made = {pair: way(*pair) for pair in chosen}
        if not made:
            continue
        style = interval({pair: judge.style(one, styles[pair[1]]) for pair, one in made.items()})
        content = interval({pair: judge.content(one, contents[pair[0]]) for pair, one in made.items()})
        report[name] = {"n": len(made), "style": style, "content": content}
        told = [f"{mean:.3f} | {low:.3f} to {high:.3f}" for mean, low, high in (style, content)]
        print(f"| {name} | {len(made)} | {' | '.join(told)} |", flush=True)
    for name, network in networks.items():
        share = between(
            lambda i, code, network=network: painted(network, contents[i], code, encoder),  # type: ignore[misc]
            codes[:4], styles[:4], judge, min(4, len(contents)),
        )  # fmt: skip
        report[f"{name}, blends between"] = share
        print(f"blends of {name} at 0.5 that lie between: {share:.0%}")
    if options.json:
        told = {"machine": machine.described(), "styles": [path.name for path in paths], **report}
        options.json.write_text(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
