"""What is not a picture, or too much of one, is refused with the reason and a remedy."""

from __future__ import annotations

import importlib.util
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import data

from vasari.foundation import image_files
from vasari.foundation.errors import MissingExtraError, PictureError, PictureTooLargeError
from vasari.foundation.image_files import Limits

PIXELS = data.chelsea()[:120, :150]
ENDINGS = {"tiff": ".tif", "jpeg": ".jpg", "png": ".png", "webp": ".webp"}


def refused(path: Path, match: str, limits: Limits | None = None, kind: type[PictureError] = PictureError) -> None:
    for call in (image_files.inspect, image_files.read):
        with pytest.raises(kind, match=match) as caught:
            call(path, limits=limits or Limits())
        assert caught.value.remedy
        assert path.name in caught.value.message


def test_what_is_no_file(tmp_path: Path) -> None:
    refused(tmp_path / "missing.tif", "no file")
    refused(tmp_path, "folder")
    (tmp_path / "empty.tif").touch()
    refused(tmp_path / "empty.tif", "empty")
    with pytest.raises(PictureError):
        image_files.read("nul\0name")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    path.chmod(0)
    refused(path, "cannot be opened")


@pytest.mark.parametrize("format", ["GIF", "BMP", "PPM", "TGA", "ICO"])
def test_formats_beside_the_list(tmp_path: Path, format: str) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.tif", format=format)
    refused(tmp_path / "a.tif", "none of the formats")


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.4", b"#!/bin/sh", b"\0" * 99]
)
def test_other_content(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    refused(tmp_path / "a.png", "none of the formats")


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_cmyk_names_the_remedy(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"a.{format.lower()}"
    Image.fromarray(PIXELS).convert("CMYK").save(path, format=format)
    refused(path, "CMYK")
    with pytest.raises(PictureError) as caught:
        image_files.inspect(path)
    assert "convert it to RGB" in caught.value.remedy


@pytest.mark.parametrize(
    ("array", "photometric"),
    [
        (np.zeros((9, 9), np.uint32), "minisblack"),
        (np.zeros((9, 9), np.float64), "minisblack"),
        (np.zeros((9, 9), np.int16), "minisblack"),
        (np.zeros((9, 9, 6), np.uint8), "rgb"),
        (np.zeros((9, 9, 3), np.uint8), "cielab"),
    ],
)
def test_samples_of_other_kinds(tmp_path: Path, array: np.ndarray, photometric: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", array, photometric=photometric, planarconfig="contig")
    refused(tmp_path / "a.tif", "rule|truncated")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("format", ENDINGS)
def test_a_truncated_file_is_an_error_and_never_half_a_picture(tmp_path: Path, format: str, share: float) -> None:
    path = image_files.write(image_files.Picture.from_array(PIXELS), tmp_path / f"a{ENDINGS[format]}")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(PictureError) as caught:
        image_files.read(path)
    assert caught.value.remedy and "Traceback" not in str(caught.value)
    with pytest.raises(PictureError):
        image_files.thumbnail(path, 32)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_truncated_jpeg_of_another_writer(tmp_path: Path, progressive: bool) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(PIXELS).save(path, progressive=progressive)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(PictureError):
        image_files.read(path)


def bomb(path: Path, side: int) -> Path:
    """A black PNG of side² pixels, in as few bytes as deflate makes of them."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + side // 8)) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def test_a_decompression_bomb_is_quarantined(tmp_path: Path) -> None:
    path = bomb(tmp_path / "a.png", 8000)
    refused(path, "decompression bomb", kind=PictureTooLargeError)
    assert image_files.inspect(path, limits=Limits(trust=True)).width == 8000


def test_the_cap_on_pixels_holds_even_with_trust(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    refused(tmp_path / "a.png", "cap", Limits(max_pixels=1000, trust=True), PictureTooLargeError)


def test_what_must_be_decoded_whole_has_a_cap_of_its_own(tmp_path: Path) -> None:
    limits = Limits(max_whole_pixels=1000)
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", progressive=True)
    Image.fromarray(PIXELS).save(tmp_path / "b.webp")
    for name in ("a.jpg", "b.webp"):
        refused(tmp_path / name, "decoded whole", limits, PictureTooLargeError)
    Image.fromarray(PIXELS).save(tmp_path / "c.jpg")
    assert image_files.read(tmp_path / "c.jpg", limits=limits).width == 150


def test_a_legitimate_gigapixel_tiff_passes(tmp_path: Path) -> None:
    # A sparse file: 2.1 gigapixels of 8-bit grey of which the disk holds nothing.
    path = tmp_path / "giga.tif"
    side = 46_000
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        writer.write(shape=(side, side), dtype=np.uint8, photometric="minisblack", data=None, rowsperstrip=64)
    header = image_files.inspect(path)
    assert (header.width, header.height) == (side, side)
    with image_files.open_rows(path) as reader:
        assert reader.read(0, 10).shape == (10, side, 1)


@pytest.mark.skipif(importlib.util.find_spec("pillow_heif") is not None, reason="the extra is installed")
def test_heic_names_its_extra(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    with pytest.raises(MissingExtraError) as caught:
        image_files.read(tmp_path / "a.heic")
    assert "vasari[formats]" in caught.value.remedy


@pytest.mark.skipif(importlib.util.find_spec("pillow_heif") is None, reason="needs the extra `formats`")
def test_heic_is_read(tmp_path: Path) -> None:
    import pillow_heif

    pillow_heif.from_pillow(Image.fromarray(PIXELS)).save(tmp_path / "a.heic", quality=100, chroma=444)
    picture = image_files.read(tmp_path / "a.heic")
    assert np.abs(picture.to_array().astype(int) - PIXELS).mean() < 3
    (tmp_path / "b.heic").write_bytes((tmp_path / "a.heic").read_bytes()[:-2000])
    with pytest.raises(PictureError):
        image_files.read(tmp_path / "b.heic")


def test_page_numbers_are_checked(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    for page in (-1, 1):
        with pytest.raises(PictureError, match="page"):
            image_files.inspect(tmp_path / "a.png", page)
