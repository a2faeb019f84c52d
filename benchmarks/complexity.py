"""Complexity and entropy of a picture: milliseconds, beside ordpy.

    python benchmarks/complexity.py            # 512 x 512 pixels, 8 bit

Prints a line of JSON: the median milliseconds of each, how many times faster, and the largest difference.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
import ordpy
import skimage.data

from vasari.archive.complexity import complexity_entropy


def milliseconds(call: Callable[[], object], repeats: int) -> float:
    """The median time of a call."""
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        taken.append((time.perf_counter() - begun) * 1000)
    return float(np.median(taken))


def main() -> None:
    """Time both on a photograph of scikit-image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=512, help="side of the picture in pixels")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    grey = skimage.data.camera()[: options.side, : options.side]
    ours, theirs = complexity_entropy(grey), ordpy.complexity_entropy(grey, dx=2, dy=2)
    fast = milliseconds(lambda: complexity_entropy(grey), options.repeats)
    slow = milliseconds(lambda: ordpy.complexity_entropy(grey, dx=2, dy=2), options.repeats)
    report = {
        "pixels": list(grey.shape),
        "vasari_ms": round(fast, 2),
        "ordpy_ms": round(slow, 2),
        "times_faster": round(slow / fast, 1),
        "largest_difference": float(np.abs(np.array(ours) - np.array(theirs)).max()),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
