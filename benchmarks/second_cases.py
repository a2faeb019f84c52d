"""Pictures for `vasari benchmark` that the training's simulators had no hand in: aged pairs, and masks.

    python benchmarks/second_cases.py aged --data HELD_OUT -o pairs    # then: vasari benchmark aged --pairs pairs
    python benchmarks/second_cases.py aged --simulator third --data HELD_OUT -o pairs
    python benchmarks/second_cases.py holes --data HELD_OUT -o masks   # then: vasari benchmark inpaint --masks masks

HELD_OUT is a folder with the photographs of `held_out_photos.txt`, which are taken in that order. `aged` writes aged/,
truth/ and pairs.csv by the second simulator (`second_aging.py`) or the third (`third_aging.py`), at severities 1, 2 and
3, the eras in turn.
`holes` writes BAND/NAME.png by the second generator of masks (`second_masks.py`).
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np

import second_aging
import second_masks
import third_aging
from vasari.tasks.benchmark.plans import band_of
from vasari.tasks.benchmark.sources import Sources, sources

HELD_OUT = Path(__file__).parent / "held_out_photos.txt"
SEVERITIES = (1, 2, 3)
BANDS = ("10-20", "30-50")
SIMULATORS: dict[str, ModuleType] = {"second": second_aging, "third": third_aging}


def aged(clean: Sources, folder: Path, options: argparse.Namespace) -> None:
    """aged/, truth/ and pairs.csv."""
    simulator = SIMULATORS[options.simulator]
    eras = list(simulator.ERAS)
    lines = []
    for index in range(len(clean)):
        photo, pixels = clean.read(index)
        array = np.rint(pixels.permute(1, 2, 0).numpy() * 255).astype(np.uint8)
        for severity in SEVERITIES:
            era = eras[(index + severity) % len(eras)]
            target, made, _ = simulator.age(array, era, severity, options.seed + index)
            name = f"{photo}-{severity}"
            _save(folder / "truth" / f"{name}.png", target)
            _save(folder / "aged" / f"{name}.png", made)
            lines.append((name, photo, era, severity, "luma" if simulator.ERAS[era].grey else "rgb"))
    with (folder / "pairs.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("name", "photo", "era", "severity", "channels"), *lines])


def holes(clean: Sources, folder: Path, options: argparse.Namespace) -> None:
    """BAND/NAME.png, white where missing."""
    for index in range(len(clean)):
        photo, pixels = clean.read(index)
        for band in BANDS:
            least, most = band_of(band)
            rng = np.random.default_rng([options.seed, index, 0, round(100 * least)])
            mask = second_masks.draw(rng, int(pixels.shape[1]), int(pixels.shape[2]), least, most)
            path = folder / band / f"{photo}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), mask.astype(np.uint8) * 255)


def _save(path: Path, pixels: np.ndarray) -> None:
    """Float or uint8 [rows, columns, 3], RGB."""
    array = pixels if pixels.dtype == np.uint8 else np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(array[:, :, ::-1]))


WAYS = {"aged": (aged, 512), "holes": (holes, 256)}
ABOUT = {
    "aged": "the {0} simulator of aging (benchmarks/{0}_aging.py), which no training saw",
    "holes": "the second generator of masks (benchmarks/second_masks.py), which no training saw",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--data", required=True, help="folder of clean pictures")
    parser.add_argument("--output", "-o", type=Path, required=True)
    parser.add_argument("--simulator", choices=SIMULATORS, default="second", help="what ages the pictures of `aged`")
    parser.add_argument("--long-side", type=int, help="pixels; 512 for aged, 256 for holes")
    parser.add_argument("--count", type=int, default=0, help="pictures; 0: all")
    parser.add_argument("--any-photos", action="store_true", help="take all pictures of the folder, in their order")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    way, long_side = WAYS[options.way]
    options.output.mkdir(parents=True, exist_ok=True)
    px = options.long_side or long_side
    clean = sources(options.data, options.count, px, "" if options.any_photos else str(HELD_OUT))
    way(clean, options.output, options)
    chosen = "any" if options.any_photos else "held out"
    told = f"{ABOUT[options.way].format(options.simulator)}, on {len(clean)} photographs of {px} px, {chosen}"
    (options.output / "about.txt").write_text(f"{told}; seed {options.seed}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
