"""How much memory the comparison of two sets takes as they grow: `vasari evaluate --mode sets` on made pictures.

python benchmarks/evaluate_streaming.py --pictures 1000 10000 100000

Each number is a run of its own over two folders of so many small pictures (PPM of 32 px, all different), from first
picture to report, without kept features. Prints JSON: most resident memory, and processor seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import machine

PX = 32


def main() -> None:
    """Run each size, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, nargs="+", default=[1000, 10_000], help="in all, half in each set")
    parser.add_argument("--kept-features", type=int, default=5000, help="as in vasari evaluate: a set's sample")
    options = parser.parse_args()
    told: dict[str, object] = {"machine": machine.described()}
    for count in options.pictures:
        with tempfile.TemporaryDirectory() as folder:
            sets = [written(Path(folder) / name, count // 2, seed) for seed, name in enumerate(("truth", "made"))]
            told[str(count)] = run(sets[1], sets[0], Path(folder), options.kept_features)
        print(count, told[str(count)], file=sys.stderr, flush=True)
    print(json.dumps(told, indent=1))


def written(folder: Path, count: int, seed: int) -> Path:
    """A folder of pictures of soft colored squares with noise."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for number in range(count):
        coarse = rng.integers(40, 216, (4, 4, 3)).repeat(PX // 4, 0).repeat(PX // 4, 1)
        pixels = (coarse + rng.integers(-30 - 9 * seed, 31 + 9 * seed, (PX, PX, 3))).clip(0, 255).astype(np.uint8)
        (folder / f"{seed}-{number:06}.ppm").write_bytes(f"P6 {PX} {PX} 255\n".encode() + pixels.tobytes())
    return folder


def run(made: Path, truth: Path, folder: Path, kept: int) -> dict[str, float]:
    """One evaluation in a process of its own: most memory in MB, seconds by the clock and of processors."""
    command = [sys.executable, "-m", "vasari.app.cli.main", "evaluate", str(made), "--against", str(truth)]
    command += ["--mode", "sets", "--px", str(PX), "--cache", str(folder / "cache"), "--json"]
    command += ["--kept-features", str(kept)]
    began = time.perf_counter()
    child = os.posix_spawn(
        sys.executable, command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    )
    _, status, used = os.wait4(child, 0)
    return {
        "exit_code": os.waitstatus_to_exitcode(status),
        "peak_mb": round(used.ru_maxrss / 1024, 1),
        "seconds": round(time.perf_counter() - began, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
    }


if __name__ == "__main__":
    main()
