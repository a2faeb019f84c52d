"""Restoring and stylizing: one network trained for both in one total, against the two in sequence.

    python benchmarks/restore_style.py --photos DIR --photos DIR --styles DIR --features mobilenet_v1.safetensors \\
        --joint aged.safetensors --json restore_style.json

Held-out photographs are aged by a simulator that trained neither, as in restore_aged.py, and take the style of each
picture of --styles in turn. `content` and `style` are those of stylize.py; the content is the photograph before it aged
(in grey where its era was grey). "stylize alone" paints over the damage. Seconds are those of one picture on this
machine, medians, the ways taking turns.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor

import machine
from networks import as_saved, load_restorer, run_restorer
from pictures import KINDS, choose, load, planes
from restore_aged import Aged, album
from stylize import Judge, interval, painted
from vasari.models import hub
from vasari.models.style import StyleCode
from vasari.tasks.stylize.coding import style_code

Way = Callable[[Tensor, StyleCode], Tensor]


def ways(joint: str) -> dict[str, Way]:
    """The three ways, each from aged pixels [3, h, w] and a style to pixels."""
    encoder, stylizer, both = (hub.load(name).network for name in ("encoder", "stylize", joint))
    restorer, _ = load_restorer("restore-faithful")

    def restored(aged: Tensor) -> Tensor:
        return as_saved(run_restorer(restorer, aged, torch.float32).picture)

    return {
        "stylize alone": lambda aged, code: painted(stylizer, aged, code, encoder),
        "restore, then stylize": lambda aged, code: painted(stylizer, restored(aged), code, encoder),
        "joint": lambda aged, code: painted(both, aged, code, encoder),
    }


def options_of() -> argparse.Namespace:
    """What was asked; the names are those that `restore_aged.album` reads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, action="append", required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--features", required=True)
    parser.add_argument("--joint", required=True, help="weights of the recipe stylize-aged")
    parser.add_argument("--simulator", choices=("second", "own"), default="second")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--severities", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--long-side", type=int, default=384)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    """Measure the three ways, and print a table."""
    options = options_of()
    judge = Judge(options.features)
    paths = sorted(path for path in options.styles.iterdir() if path.suffix.lower() in KINDS)
    styles = [planes(load(path, options.long_side)) for path in paths]
    codes = [style_code(path) for path in paths]
    three = ways(options.joint)
    pictures: list[Aged] = list(album(choose(options.photos, options.count), options))
    names = sorted({one.photo for one in pictures})
    found: dict[str, dict[str, dict[tuple[int, int], float]]] = {}
    seconds: dict[str, list[float]] = {}
    for number, one in enumerate(pictures):
        which = number % len(styles)
        for name, way in three.items():
            begun = time.perf_counter()
            made = way(one.aged.clamp(0, 1), codes[which])
            seconds.setdefault(name, []).append(time.perf_counter() - begun)
            scores = found.setdefault(name, {"content": {}, "style": {}})
            place = (names.index(one.photo), number)
            scores["content"][place] = judge.content(made, one.target.expand(3, -1, -1))
            scores["style"][place] = judge.style(made, styles[which])
    report: dict[str, object] = {"machine": machine.described(), "n": len(pictures)}
    print("| way | n | content | 95 % | style | 95 % | seconds |\n|---|---|---|---|---|---|---|")
    for name, scores in found.items():
        told = {kind: interval(values) for kind, values in scores.items()}
        report[name] = {**told, "seconds": median(seconds[name])}
        cells = [f"{mean:.3f} | {low:.3f} to {high:.3f}" for mean, low, high in told.values()]
        print(f"| {name} | {len(pictures)} | {' | '.join(cells)} | {median(seconds[name]):.2f} |")
    first, last = found["restore, then stylize"]["content"], found["joint"]["content"]
    nearer = np.mean([last[place] < first[place] for place in first])
    print(f"joint nearer to the content than the sequence: {nearer:.0%} of pictures")
    if options.json:
        options.json.write_text(json.dumps({**report, "joint_nearer": float(nearer)}, indent=2))


if __name__ == "__main__":
    main()
