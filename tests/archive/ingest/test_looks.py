"""The hash of looks is ImageHash's, of a picture as it is looked at, whatever its format, size and depth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import imagehash
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from vasari.archive.ingest.looks import Looks, distance, perceptual_hash
from vasari.foundation.errors import PictureError
from vasari.foundation.image_formats import DEFAULT_LIMITS
from vasari.foundation.row_reader import inspect

Clouds = Callable[..., np.ndarray]


def hashed(path: Path, page: int = 0) -> int | None:
    return perceptual_hash(path, inspect(path, page), DEFAULT_LIMITS)


def reference(picture: Image.Image) -> int:
    bits = imagehash.phash(picture).hash.ravel()
    value = int("".join("1" if bit else "0" for bit in bits), 2)
    return value - (1 << 64) if value >> 63 else value


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("size", [(90, 70), (700, 1100), (1600, 1200)])
def test_it_is_the_hash_of_the_whole_picture(
    tmp_path: Path, clouds: Clouds, ending: str, size: tuple[int, int]
) -> None:
    path = tmp_path / f"a.{ending}"
    Image.fromarray(clouds(3, *size)).save(path)
    found = hashed(path)
    assert found is not None and distance(found, reference(Image.open(path))) <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_hashed_upright(tmp_path: Path, clouds: Clouds, orientation: int) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(clouds(3, 400, 300)).save(path, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(path))
    found = hashed(path)
    assert found is not None and upright is not None and distance(found, reference(upright)) <= 2


def test_depth_and_grey_do_not_matter(tmp_path: Path, clouds: Clouds) -> None:
    whole = clouds(3, 400, 300)
    hashes = []
    for name, pixels in {
        "8": whole,
        "16": whole.astype(np.uint16) * 257,
        "32": whole.astype(np.float32) / 255,
        "grey": np.asarray(Image.fromarray(whole).convert("L")),
    }.items():
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack")
        hashes.append(hashed(path))
    assert None not in hashes and max(distance(hashes[0], other) for other in hashes if other) <= 2  # type: ignore[arg-type]


def test_an_even_surface_looks_like_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (300, 200), (90, 90, 90)).save(path)
    assert hashed(path) is None


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_a_cut_file_is_found_out(tmp_path: Path, clouds: Clouds, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    Image.fromarray(clouds(3, 1600, 1200)).save(path)
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])
    with pytest.raises(PictureError):
        hashed(path)


def test_near_hashes_are_those_that_counting_bits_finds() -> None:
    random = np.random.default_rng(5)
    known = random.integers(-(1 << 63), 1 << 63, 5000, dtype=np.int64)
    close = [int(known[0]) ^ 0b1011, int(known[1]) ^ (1 << 63 | 1 if known[1] >= 0 else 1)]
    looks = Looks(known)
    for value in (*close, int(known[2])):
        looks.add(value if -(1 << 63) <= value < 1 << 63 else value - (1 << 64))
    for value in (int(known[0]), int(known[1]), int(known[2]), 0, -1):
        every = {*map(int, known), close[0]}
        expected = {one for one in every if distance(one, value) <= 8}
        found = looks.near(value, 8)
        assert expected <= set(found) and all(bits == distance(one, value) for one, bits in found.items())
    assert distance(-1, 0) == 64 and distance(1, -(1 << 63)) == 2
