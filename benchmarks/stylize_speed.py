"""Pictures of 1080p a second: the stylizer as shipped against the network of Johnson et al. 2016 in eager float32.

    python benchmarks/stylize_speed.py --rounds 5 --json stylize_speed.json

One picture of 1920×1080 at a time, from pixels to pixels, style codes made before; the two take turns, the median of
`--rounds` after one for warming up. Ours in the precision that the machine gains by ("auto") and in float32, every
pixel seen (working_px=0) in one piece, as a film's frame is. Theirs with random weights.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import skimage.data
import torch
from torch import Tensor
from torch.nn import functional

import machine
from johnson import JohnsonNetwork
from vasari.foundation.devices import choose_precision
from vasari.models import hub
from vasari.models.canvas import on_canvas
from vasari.models.style import moments
from vasari.tasks.stylize.coding import style_code

HEIGHT, WIDTH = 1088, 1920  # 1080 rows, filled up to a multiple of 16


def frame() -> Tensor:
    """A photograph of scikit-image enlarged to 1080p: [1, 3, 1088, 1920]."""
    small = torch.from_numpy(skimage.data.coffee().copy()).permute(2, 0, 1).float()[None] / 255
    return functional.interpolate(small, (HEIGHT, WIDTH), mode="bicubic").clamp(0, 1)


def ours(precision: torch.dtype) -> Callable[[Tensor], Tensor]:
    """The bundled encoder and stylizer with a named style."""
    encoder, stylizer = (
        hub.load(name).network.to(memory_format=torch.channels_last)
        for name in ("encoder", "stylize")  # type: ignore[call-overload]
    )
    style = style_code("van-gogh-starry-night").moments()

    def paint(pixels: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            features = encoder(on_canvas(pixels))
            made: Tensor = stylizer(features, moments(features), style)
        return made

    return paint


@torch.inference_mode()
def main() -> None:
    """Time all in turns, and print frames a second and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    auto = choose_precision("auto", torch.device("cpu"))
    ways = {
        "johnson, eager float32": JohnsonNetwork().eval(),
        "stylize, float32": ours(torch.float32),
        f"stylize, {str(auto).removeprefix('torch.')} (auto)": ours(auto),
    }
    pixels, seconds = frame(), {name: [] for name in ways}
    for turn in range(options.rounds + 1):
        for name, way in ways.items():
            begun = time.perf_counter()
            way(pixels)
            if turn:
                seconds[name].append(time.perf_counter() - begun)
    slow = median(seconds["johnson, eager float32"])
    print(f"{machine.described()}\n| way | seconds a frame | frames a second | megapixels a second | ratio |")
    print("|---|---|---|---|---|")
    for name, taken in seconds.items():
        one = median(taken)
        print(f"| {name} | {one:.2f} | {1 / one:.2f} | {HEIGHT * WIDTH / 1e6 / one:.2f} | {slow / one:.1f} |")
    if options.json:
        options.json.write_text(json.dumps({"machine": machine.described(), "seconds": seconds}, indent=2))


if __name__ == "__main__":
    main()
