"""Mutated and truncated picture files of every format: each is read or refused, nothing else.

    python benchmarks/fuzz_files.py                 # 2,000 files, seed 0
    python benchmarks/fuzz_files.py --files 200 --keep failures

Every file goes through inspect, thumbnail and read in a worker process that reports its peak resident
memory. Prints JSON with the counts: `read` and `refused` (a PictureError with a remedy) are sound;
`traceback` (another exception), `crash` (the worker died) and `slow` (over `--limit-s`) are failures, and so
is a worker above `--cap-mb`. Exits 1 where there is any failure.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

# A file that claims more than this is refused, so the worker's memory is bounded by it.
MAX_PIXELS = 16_000_000
Mutation = str
MUTATIONS: tuple[Mutation, ...] = (
    "truncate",
    "flip",
    "overwrite",
    "zero",
    "insert",
    "delete",
    "shuffle",
    "header",
    "join",
)


def seeds() -> dict[str, bytes]:
    """Sound files of every format, depth and layout: real photographs, with metadata."""
    import tifffile
    from PIL import Image
    from skimage import data

    photo, grey = data.rocket()[:200, :300], data.camera()[:150, :200]
    exif = Image.Exif()
    exif[271], exif[274] = "Zeiss Ikon", 6
    exif.get_ifd(0x8769)[36867] = "1953:06:02 11:00:00"
    icc = _adobe_like_profile()
    found: dict[str, bytes] = {}

    def pil(name: str, array: np.ndarray, mode: str | None = None, **options: object) -> None:
        image = Image.fromarray(array)
        buffer = io.BytesIO()
        (image.convert(mode) if mode else image).save(buffer, exif=exif, icc_profile=icc, **options)
        found[name] = buffer.getvalue()

    def tiff(name: str, array: np.ndarray, **options: object) -> None:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, array, iccprofile=icc, **options)
        found[name] = buffer.getvalue()

    pil("baseline.jpg", photo, format="JPEG", quality=90)
    pil("progressive.jpg", photo, format="JPEG", quality=90, progressive=True)
    pil("grey.jpg", grey, format="JPEG")
    pil("cmyk.jpg", photo, "CMYK", format="JPEG")
    pil("rgb.png", photo, format="PNG")
    pil("rgba.png", photo, "RGBA", format="PNG")
    pil("palette.png", photo, "P", format="PNG")
    pil("bilevel.png", grey, "1", format="PNG")
    pil("lossy.webp", photo, format="WEBP")
    pil("lossless.webp", photo, "RGBA", format="WEBP", lossless=True)
    pil("group4.tif", grey, "1", format="TIFF", compression="group4")
    pil("lzw.tif", photo, format="TIFF", compression="tiff_lzw")
    pil("jpeg.tif", photo, format="TIFF", compression="jpeg")
    pil("exif.tif", photo, format="TIFF")
    tiff("rgb16.tif", photo.astype(np.uint16) * 257, photometric="rgb", compression="zlib", predictor=True)
    tiff("grey16-big-endian.tif", grey.astype(np.uint16) * 257, photometric="minisblack", byteorder=">")
    tiff("tiled.tif", photo, photometric="rgb", tile=(64, 64))
    tiff("bigtiff.tif", photo, photometric="rgb", bigtiff=True, rowsperstrip=16)
    tiff("planar.tif", photo.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
    tiff("float.tif", (photo / 255).astype(np.float32), photometric="rgb")
    found |= _heic(photo)
    return found


def _adobe_like_profile() -> bytes:
    """A matrix profile other than sRGB, made from lcms' sRGB by another curve."""
    from PIL import ImageCms

    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    place = content.find(b"para")
    content[place + 12 : place + 16] = (round(1.8 * 65536)).to_bytes(4, "big")
    return bytes(content)


def _heic(photo: np.ndarray) -> dict[str, bytes]:
    """A HEIC file where the extra `formats` is installed."""
    try:
        import pillow_heif
    except ImportError:
        return {}
    from PIL import Image

    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(photo)).save(buffer, quality=90)
    return {"photo.heic": buffer.getvalue()}


def mutate(content: bytes, kind: Mutation, other: bytes, random: np.random.Generator) -> bytes:
    """One mutation of a file's bytes, drawn by `random`."""
    data, size = bytearray(content), len(content)
    start = int(random.integers(0, size))
    length = int(min(2 ** random.uniform(0, 12), size - start))
    if kind == "truncate":
        return content[: int(random.integers(1, size))]
    if kind == "flip":
        for place in random.integers(0, size, int(random.integers(1, 20))):
            data[place] ^= 1 << int(random.integers(0, 8))
    elif kind == "overwrite":
        data[start : start + length] = random.bytes(length)
    elif kind == "zero":
        data[start : start + length] = bytes(length)
    elif kind == "insert":
        data[start:start] = random.bytes(length)
    elif kind == "delete":
        del data[start : start + length]
    elif kind == "shuffle":
        block = list(data[start : start + length])
        random.shuffle(block)
        data[start : start + length] = bytes(block)
    elif kind == "header":
        for place in random.integers(0, min(size, 400), int(random.integers(1, 6))):
            data[place] = int(random.choice([0, 1, 0x7F, 0x80, 0xFF, int(random.integers(0, 256))]))
    else:
        data[start:] = other[min(start, len(other) - 1) :]
    return bytes(data)


def try_file(path: Path) -> tuple[str, str]:
    """("read" | "refused" | "traceback", detail) of one file through the library's whole way in."""
    from vasari.foundation import image_files
    from vasari.foundation.errors import VasariError

    limits = image_files.Limits(max_pixels=MAX_PIXELS, max_whole_pixels=MAX_PIXELS)
    try:
        header = image_files.inspect(path, limits=limits)
        for page in range(min(header.pages, 3)):
            image_files.thumbnail(path, 96, page=page, limits=limits)
            image_files.read(path, page=page, limits=limits)
    except VasariError as error:
        return ("refused", error.message) if error.remedy else ("traceback", "no remedy: " + error.message)
    except Exception:
        return "traceback", traceback.format_exc()
    return "read", ""


def work(connection: Connection) -> None:
    """The worker: takes paths, answers with verdict, detail and its peak memory in MB."""
    import torch

    torch.set_num_threads(1)
    while (path := connection.recv()) is not None:
        verdict, detail = try_file(path)
        connection.send((verdict, detail, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))


class Worker:
    """A process that outlives its files, and is started anew where one kills it or takes too long."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._here, there = self._context.Pipe()
        self._process = self._context.Process(target=work, args=(there,), daemon=True)
        self._process.start()
        there.close()

    def verdict(self, path: Path, limit_s: float) -> tuple[str, str, int]:
        """What became of one file."""
        try:
            self._here.send(path)
            if self._here.poll(limit_s):
                return self._here.recv()
            verdict = ("slow", f"no answer in {limit_s} s", 0)
        except (EOFError, ConnectionError):
            self._process.join()
            verdict = ("crash", f"exit code {self._process.exitcode}", 0)
        self.stop()
        self._start()
        return verdict

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._here.close()


def run(files: int, seed: int, limit_s: float, keep: Path | None) -> dict[str, object]:
    """Make and try `files` files; the counts."""
    random = np.random.default_rng(seed)
    originals = seeds()
    kinds, counts, by_format = list(originals), Counter[str](), Counter[str]()
    failures: list[dict[str, str]] = []
    peak_mb, slowest_s, worker = 0, 0.0, Worker()
    with tempfile.TemporaryDirectory() as name:
        for index in range(files):
            kind = kinds[index % len(kinds)]
            mutation = MUTATIONS[int(random.integers(0, len(MUTATIONS)))]
            content = mutate(originals[kind], mutation, originals[kinds[int(random.integers(0, len(kinds)))]], random)
            path = Path(name) / f"{index:05d}-{mutation}-{kind}"
            path.write_bytes(content)
            begun = time.perf_counter()
            verdict, detail, memory_mb = worker.verdict(path, limit_s)
            slowest_s, peak_mb = max(slowest_s, time.perf_counter() - begun), max(peak_mb, memory_mb)
            counts[verdict] += 1
            by_format[f"{Path(kind).suffix[1:]} {verdict}"] += 1
            if verdict not in ("read", "refused"):
                failures.append({"file": path.name, "verdict": verdict, "detail": detail})
                if keep:
                    keep.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, keep)
            path.unlink()
    worker.stop()
    return {
        "files": files,
        "seed": seed,
        **{name: counts[name] for name in ("read", "refused", "traceback", "crash", "slow")},
        "by_format": dict(sorted(by_format.items())),
        "peak_mb": peak_mb,
        "slowest_s": round(slowest_s, 2),
        "failures": failures,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cap-mb", type=int, default=1536, help="largest resident memory of the worker")
    parser.add_argument(
        "--limit-s", type=float, default=60.0, help="seconds a file may take, start of the worker included"
    )
    parser.add_argument("--keep", type=Path, help="a folder for the files that failed")
    options = parser.parse_args()
    found = run(options.files, options.seed, options.limit_s, options.keep)
    json.dump(found, sys.stdout, indent=1)
    print()
    return int(bool(found["failures"]) or int(str(found["peak_mb"])) > options.cap_mb)


if __name__ == "__main__":
    raise SystemExit(main())
