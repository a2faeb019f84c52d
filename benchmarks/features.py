"""Pictures a second, by stage, when the features of an archive are measured.

    python benchmarks/features.py --pictures PHOTOS --count 12

Every stage is timed on one thread of one process, in seconds of processor time, on the pictures as they are and
enlarged to 24 megapixels (JPEG of quality 90, in a temporary folder). `decode` is libvips' decoding alone, by rows;
`reduce` is all else up to the size of measuring. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from machine import described
from pictures import choose, load
from vasari.archive.features.coding import Coded, Coder
from vasari.archive.features.reduced import CHUNK_BYTES, Reduced, reduced
from vasari.archive.features.table import FEATURES
from vasari.foundation import image_files

LARGE_PIXELS = 24e6


def decoded(path: Path) -> None:
    """Every row of a file, raw."""
    with image_files.open_rows(path) as reader:
        step = max(1, CHUNK_BYTES // reader.header.row_bytes)
        for top in range(0, reader.header.height, step):
            reader.read(top, min(top + step, reader.header.height))


def enlarged(path: Path, folder: Path) -> Path:
    """The picture at 24 megapixels."""
    pixels = load(path)
    scale = (LARGE_PIXELS / pixels.shape[0] / pixels.shape[1]) ** 0.5
    large = cv2.resize(pixels[:, :, ::-1], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    target = folder / f"{path.stem}.jpg"
    cv2.imwrite(str(target), large, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return target


def stages(path: Path, coder: Coder) -> dict[str, float]:
    """Seconds of processor time of each stage for one picture."""
    taken: dict[str, float] = {}

    def timed(name: str, call: Callable[[], object]) -> object:
        begun = time.process_time()
        result = call()
        taken[name] = time.process_time() - begun
        return result

    timed("decode", lambda: decoded(path))
    picture = timed("reduce", lambda: reduced(path))
    taken["reduce"] = max(0.0, taken["reduce"] - taken["decode"])
    picture = Reduced(picture.pixels)  # type: ignore[attr-defined]
    timed("lab", lambda: (picture.lab, picture.chroma))
    codes = Coded([picture], coder)
    for name, feature in FEATURES.items():
        timed(name, lambda one=feature: one.of_codes(codes) if one.of_codes else one.of_picture(picture))
    return taken


def summary(rows: list[dict[str, float]]) -> dict[str, object]:
    """Mean milliseconds of the stages, pictures a second, and the share of decoding."""
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    whole = sum(means.values())
    without = sum(value for name, value in means.items() if FEATURES.get(name) is None or not FEATURES[name].of_codes)
    return {
        "milliseconds": {name: round(1000 * value, 1) for name, value in means.items()},
        "pictures_a_second": round(1 / whole, 2),
        "without_encoder": round(1 / without, 2),
        "share_of_decoding": round(means["decode"] / whole, 3),
    }


def main() -> None:
    """Time the pictures at both sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, action="append", required=True)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--precision", default="auto")
    options = parser.parse_args()
    torch.set_num_threads(1)
    paths = choose(options.pictures, options.count, None)
    coder = Coder.of(device="cpu", precision=options.precision)
    report: dict[str, object] = {"machine": described(), "precision": str(coder.precision), "pictures": len(paths)}
    stages(paths[0], coder)  # the first call of everything is slower
    report["own size"] = summary([stages(path, coder) for path in paths])
    with tempfile.TemporaryDirectory() as folder:
        large = [enlarged(path, Path(folder)) for path in paths]
        report["24 megapixels"] = summary([stages(path, coder) for path in large])
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
