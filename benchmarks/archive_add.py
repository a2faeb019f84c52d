"""`archive add`: pictures a second and core at 24 megapixels, the share of decoding, and many small pictures.

    python benchmarks/archive_add.py                      # a photograph of scikit-image, enlarged to 6000 x 4000
    python benchmarks/archive_add.py --photos PHOTOS      # six photographs, each enlarged
    python benchmarks/archive_add.py --small 10000        # and so many of 320 x 240, added twice
    python benchmarks/archive_add.py --no-large --small 10000 --small-px 640 480 --index   # and measured as well

Prints a line of JSON. Seconds are of the processor, all threads summed, so that other work on the machine does not
count; wall-clock seconds stand beside them.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from machine import described
from vasari.archive.indexing import index as measure_all
from vasari.archive.ingest.adding import add
from vasari.archive.ingest.looks import perceptual_hash
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.ingest.reading import limits_of, read_file
from vasari.archive.ingest.walk import Walk
from vasari.archive.store import Archive
from vasari.foundation.row_reader import inspect

SIZE = (6000, 4000)
FORMATS: dict[str, dict[str, object]] = {
    "jpg": {"quality": 92},
    "tif": {},
    "png": {"compress_level": 4},
}


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Processor and wall-clock seconds of a call."""
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return time.process_time() - cpu, time.perf_counter() - wall


def photographs(folder: Path | None) -> Iterator[Image.Image]:
    """Six photographs, or one, enlarged to `SIZE` with grain, so that they pack as a camera's do."""
    sources = sorted(folder.glob("*.jpg"))[:6] if folder else [None]
    random = np.random.default_rng(1)
    for path in sources:
        picture = Image.open(path).convert("RGB") if path else Image.fromarray(skimage.data.coffee())
        large = np.asarray(picture.resize(SIZE, Image.Resampling.BICUBIC)).astype(np.int16)
        grain = random.integers(-6, 7, large.shape[:2], dtype=np.int16)[:, :, None]
        yield Image.fromarray((large + grain).clip(0, 255).astype(np.uint8))


def large(folder: Path, photos: Path | None) -> dict[str, dict[str, float]]:
    """Format -> pictures a second and core, and shares of hashing and decoding in reading one."""
    plan, report = AddPlan(workers=1), {}
    pictures = list(photographs(photos))
    for ending, options in FORMATS.items():
        here = folder / ending
        here.mkdir()
        for number, picture in enumerate(pictures):
            picture.save(here / f"{number}.{ending}", **options)  # type: ignore[arg-type]
        files = list(Walk([str(here)], folder / "nothing"))
        read_file(files[0], None, plan, folder, None)  # what is loaded once
        whole = hashing = decoding = 0.0
        for found in files:
            path = Path(found.path)
            whole += seconds(functools.partial(read_file, found, None, plan, folder, None))[0]
            hashing += seconds(lambda: hashlib.file_digest(path.open("rb"), "sha256"))[0]  # noqa: B023
            header = inspect(path)
            decoding += seconds(functools.partial(perceptual_hash, path, header, limits_of(plan)))[0]
        report[ending] = {
            "megabytes": round(sum(one.bytes for one in files) / len(files) / 1e6, 1),
            "pictures_a_second_and_core": round(len(files) / whole, 2),
            "decoding_share": round(decoding / whole, 2),
            "hashing_share": round(hashing / whole, 2),
        }
    return report


def small(folder: Path, number: int, px: tuple[int, int], index: bool) -> dict[str, float]:
    """Adding so many small pictures, and adding them again; measuring them where `index` says so."""
    random = np.random.default_rng(2)
    for at in range(number):
        here = folder / "small" / f"{at // 500:03d}"
        here.mkdir(parents=True, exist_ok=True)
        cloud = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        cloud.resize(px, Image.Resampling.BICUBIC).save(here / f"{at:06d}.jpg")
    with Archive.create(folder / "archive") as archive:
        cpu, wall = seconds(lambda: add(archive, [str(folder / "small")], AddPlan(workers=2)))
        cpu_again, wall_again = seconds(lambda: add(archive, [str(folder / "small")], AddPlan(workers=2)))
        measuring = seconds(lambda: measure_all(archive, jobs=2)) if index else (0.0, 0.0)
    return {
        "pictures": number,
        "cpu_seconds": round(cpu, 1),
        "wall_seconds": round(wall, 1),
        "again_cpu_seconds": round(cpu_again, 1),
        "again_wall_seconds": round(wall_again, 1),
        "measuring_cpu_seconds": round(measuring[0], 1),
        "measuring_wall_seconds": round(measuring[1], 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photographs (*.jpg)")
    parser.add_argument("--small", type=int, default=0, help="so many small pictures as well")
    parser.add_argument("--small-px", type=int, nargs=2, default=(320, 240), help="their width and height")
    parser.add_argument("--index", action="store_true", help="measure the small pictures too")
    parser.add_argument("--no-large", action="store_true", help="only those")
    options = parser.parse_args()
    report: dict[str, object] = {"machine": described()}
    with tempfile.TemporaryDirectory() as folder:
        if not options.no_large:
            report["24 megapixels"] = large(Path(folder), options.photos)
        if options.small:
            report["small"] = small(Path(folder), options.small, tuple(options.small_px), options.index)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
