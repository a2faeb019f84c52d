"""Before/after sheets to look at: whole pictures, or crops at 100 %.

    python benchmarks/sheet.py --photos DIR --photos DIR --model restore-faithful --out sheets
    python benchmarks/sheet.py --scans SCANS --model restore-faithful --out sheets

With `--photos`, held-out photographs are aged by the second simulator: aged, restored, as it was,
damage found, a row each. With `--scans`, real scans are restored: before, after, damage found.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

import second_aging
from networks import PRECISIONS, Ready, as_saved, load_restorer, run_restorer
from pictures import KINDS, choose, load, planes, rows

Columns = list[tuple[str, np.ndarray]]
GAP_PX = 6


def captioned(picture: np.ndarray, text: str) -> np.ndarray:
    """The picture, float [rows, columns, 3], with a line of text above."""
    strip = np.full((20, picture.shape[1], 3), 255, np.uint8)
    cv2.putText(strip, text, (3, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([strip.astype(np.float32) / 255, picture])


def row(columns: Columns, crop: tuple[slice, slice] | None, long_side: int) -> np.ndarray:
    """One picture's states side by side, cropped at 100 % or reduced to `long_side`."""
    parts = []
    for text, picture in columns:
        if crop is not None:
            shown = picture[crop]
        else:
            factor = min(long_side / max(picture.shape[:2]), 1.0)
            shown = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        parts += [captioned(np.clip(shown, 0, 1), text), np.ones((shown.shape[0] + 20, GAP_PX, 3), np.float32)]
    return np.concatenate(parts[:-1], axis=1)


def stacked(lines: list[np.ndarray]) -> np.ndarray:
    """Rows of different widths in one white sheet."""
    width = max(line.shape[1] for line in lines)
    return np.concatenate(
        [np.pad(line, ((0, GAP_PX), (0, width - line.shape[1]), (0, 0)), constant_values=1) for line in lines]
    )


def crop_of(picture: np.ndarray, side: int, center: tuple[float, float]) -> tuple[slice, slice]:
    """A window of `side` px around a place given in fractions (down, right)."""
    starts = [
        min(max(int(share * length - side / 2), 0), max(length - side, 0))
        for share, length in zip(center, picture.shape[:2], strict=False)
    ]
    return slice(starts[0], starts[0] + side), slice(starts[1], starts[1] + side)


def restored(network: Ready, pixels: np.ndarray, precision: str) -> tuple[np.ndarray, np.ndarray]:
    """The restored picture and the damage found, both [rows, columns, 3]."""
    result = run_restorer(network, planes(pixels), PRECISIONS[precision])
    damage = result.damage[0].float().expand(3, -1, -1)
    return rows(as_saved(result.picture)), rows(damage)


def examples(options: argparse.Namespace, network: Ready | None) -> list[tuple[str, Columns]]:
    """The states of each picture, with its name."""
    found: list[tuple[str, Columns]] = []
    if options.scans:
        for path in sorted(one for one in options.scans.iterdir() if one.suffix.lower() in KINDS):
            pixels = load(path, options.long_side).astype(np.float32) / 255
            columns: Columns = [(path.name[:40], pixels)]
            if network is not None:
                after, damage = restored(network, pixels, options.precision)
                columns += [("restored", after), ("damage found", damage)]
            found.append((path.stem, columns))
        return found
    for index, path in enumerate(choose(options.photos, options.count)):
        era = list(second_aging.ERAS)[index % len(second_aging.ERAS)]
        severity = options.severity or index // 6 % 3 + 1
        target, aged, mask = second_aging.age(load(path, options.long_side), era, severity, options.seed + index)
        columns = [(f"{era}, severity {severity}", aged)]
        if network is not None:
            after, damage = restored(network, aged, options.precision)
            columns += [("restored", after), ("as it was", target), ("damage found", damage)]
        else:
            columns += [("as it was", target), ("marks drawn", np.repeat(mask[:, :, None], 3, axis=2))]
        found.append((path.stem, columns))
    return found


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, action="append", help="folder of clean photographs; repeatable")
    parser.add_argument("--scans", type=Path, help="folder of old scans, used instead")
    parser.add_argument("--model", help="bundled name or .safetensors file; without it, only the aging is shown")
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--severity", type=int, choices=[1, 2, 3], help="one severity; default: all in turn")
    parser.add_argument("--long-side", type=int, default=768, help="size at which pictures are restored, px")
    parser.add_argument("--shown", type=int, default=420, help="size of whole pictures on a sheet, px")
    parser.add_argument("--crop", type=int, default=320, help="side of the crops at 100 %%, px")
    parser.add_argument("--center", type=float, nargs=2, default=(0.4, 0.5), help="where to crop: down, right, 0..1")
    parser.add_argument("--per-sheet", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    options = parser.parse_args(arguments)
    if not options.photos and not options.scans:
        parser.error("give --photos or --scans")
    network = load_restorer(options.model)[0] if options.model else None
    found = examples(options, network)
    options.out.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(found), options.per_sheet):
        group = [columns for _, columns in found[start : start + options.per_sheet]]
        crops = [row(columns, crop_of(columns[0][1], options.crop, options.center), 0) for columns in group]
        sheets = {"whole": [row(columns, None, options.shown) for columns in group], "crops": crops}
        for kind, lines in sheets.items():
            path = options.out / f"{kind}_{start // options.per_sheet + 1:02d}.png"
            cv2.imwrite(str(path), np.rint(stacked(lines)[:, :, ::-1] * 255).astype(np.uint8))
            print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
