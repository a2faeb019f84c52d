"""Picture files against PIL and tifffile: what is read, what is written, and what comes back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from skimage import data

from vasari.foundation import image_files
from vasari.foundation.errors import PictureError, WriteError
from vasari.foundation.image_files import Header, RowWriter
from vasari.foundation.picture import Picture, Space

COFFEE = data.coffee()[:203, :157]
GREY = data.camera()[:203, :157]


def sixteen(array: np.ndarray) -> np.ndarray:
    """The picture in 16 bits, with noise below the eighth bit so that 8-bit shortcuts show."""
    noise = np.random.default_rng(5).integers(0, 256, array.shape)
    return (array.astype(np.uint16) * 256 + noise).astype(np.uint16)


ALPHA = np.linspace(0, 255, GREY.size).reshape(GREY.shape).astype(np.uint8)
ARRAYS = {
    "grey 8": GREY,
    "RGB 8": COFFEE,
    "grey 16": sixteen(GREY),
    "RGB 16": sixteen(COFFEE),
    "RGBA 8": np.dstack([COFFEE, ALPHA]),
    "RGBA 16": sixteen(np.dstack([COFFEE, ALPHA])),
    "grey and alpha 8": np.dstack([GREY, ALPHA]),
    "grey and alpha 16": sixteen(np.dstack([GREY, ALPHA])),
}


def write_with_tifffile(path: Path, array: np.ndarray, **options: object) -> Path:
    bands = 1 if array.ndim == 2 else array.shape[2]
    extra = ["unassalpha"] if bands in (2, 4) else None
    photometric = "minisblack" if bands <= 2 else "rgb"
    tifffile.imwrite(path, array, photometric=photometric, extrasamples=extra, planarconfig="contig", **options)
    return path


def rows_of(path: Path, step: int = 37) -> tuple[np.ndarray, Header]:
    with image_files.open_rows(path) as reader:
        header = reader.header
        parts = [reader.read(top, min(top + step, header.height)) for top in range(0, header.height, step)]
    return np.concatenate(parts), header


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib", "predictor": True}, {"tile": (64, 64)}, {"rowsperstrip": 7}]
)
@pytest.mark.parametrize("name", ARRAYS)
def test_tiffs_of_another_writer_are_read_sample_by_sample(tmp_path: Path, name: str, options: dict) -> None:
    array = ARRAYS[name]
    path = write_with_tifffile(tmp_path / "a.tif", array, **options)
    rows, header = rows_of(path)
    np.testing.assert_array_equal(rows, array.reshape(rows.shape))
    assert (header.width, header.height) == (157, 203)
    assert header.channels == (1 if "grey" in name else 3)
    assert header.has_alpha == (array.ndim == 3 and array.shape[2] in (2, 4))
    assert header.depth == array.dtype.itemsize * 8


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_byte_orders_and_bigtiff_are_read(tmp_path: Path, order: str, bigtiff: bool) -> None:
    path = write_with_tifffile(tmp_path / "a.tif", ARRAYS["RGB 16"], byteorder=order, bigtiff=bigtiff)
    np.testing.assert_array_equal(rows_of(path)[0], ARRAYS["RGB 16"])


def test_planar_tiffs_are_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", COFFEE.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(rows_of(tmp_path / "a.tif")[0], COFFEE)


def test_each_page_of_a_tiff_is_a_picture(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(COFFEE, photometric="rgb")
        writer.write(sixteen(GREY), photometric="minisblack")
    first, second = (image_files.inspect(tmp_path / "a.tif", page) for page in (0, 1))
    assert (first.pages, first.channels, first.depth) == (2, 3, 8)
    assert (second.pages, second.channels, second.depth) == (2, 1, 16)
    picture = image_files.read(tmp_path / "a.tif", page=1)
    np.testing.assert_array_equal(picture.to_array()[:, :, 0], sixteen(GREY))
    with pytest.raises(PictureError, match="page"):
        image_files.inspect(tmp_path / "a.tif", 2)


def test_bilevel_and_palette_pictures_are_expanded(tmp_path: Path) -> None:
    bilevel = Image.fromarray(GREY).convert("1")
    bilevel.save(tmp_path / "a.tif", compression="group4")
    rows, header = rows_of(tmp_path / "a.tif")
    np.testing.assert_array_equal(rows[:, :, 0], np.asarray(bilevel).astype(np.uint8) * 255)
    assert (header.channels, header.depth, header.compression) == (1, 8, "deflate")
    palette = Image.fromarray(COFFEE).quantize(64)
    for name in ("p.png", "p.tif"):
        palette.save(tmp_path / name)
        np.testing.assert_array_equal(rows_of(tmp_path / name)[0], np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize("name", [name for name in ARRAYS if "16" not in name])
def test_pngs_of_another_writer_are_read_sample_by_sample(tmp_path: Path, name: str) -> None:
    Image.fromarray(ARRAYS[name]).save(tmp_path / "a.png")
    rows, _ = rows_of(tmp_path / "a.png")
    np.testing.assert_array_equal(rows, ARRAYS[name].reshape(rows.shape))


def test_jpegs_are_read_as_pil_reads_them(tmp_path: Path) -> None:
    for progressive in (False, True):
        Image.fromarray(COFFEE).save(tmp_path / "a.jpg", quality=92, progressive=progressive)
        rows, header = rows_of(tmp_path / "a.jpg")
        assert np.abs(rows.astype(int) - np.asarray(Image.open(tmp_path / "a.jpg"))).max() <= 2
        assert header.by_rows is not progressive


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    Image.fromarray(COFFEE).save(tmp_path / "scan.jpg", format="PNG")
    assert image_files.inspect(tmp_path / "scan.jpg").format == "png"


@pytest.mark.parametrize("format", ["tiff", "png"])
@pytest.mark.parametrize("name", ARRAYS)
def test_lossless_formats_give_back_every_sample(tmp_path: Path, name: str, format: str) -> None:
    array = ARRAYS[name]
    source = write_with_tifffile(tmp_path / "a.tif", array)
    picture = image_files.read(source)
    target = image_files.write(picture, tmp_path / f"b.{format}")
    rows, _ = rows_of(target)
    np.testing.assert_array_equal(rows, array.reshape(rows.shape))
    if format == "tiff":
        np.testing.assert_array_equal(tifffile.imread(target), array)
    elif "16" not in name:
        np.testing.assert_array_equal(np.asarray(Image.open(target)), array)


def test_float_tiffs_keep_their_values(tmp_path: Path) -> None:
    array = np.random.default_rng(0).normal(0.5, 1.0, (40, 30, 3)).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb")
    picture = image_files.read(tmp_path / "a.tif")
    assert picture.depth == 32
    np.testing.assert_array_equal(picture.pixels.permute(1, 2, 0).numpy(), array)
    image_files.write(picture, tmp_path / "b.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), array)


@pytest.mark.parametrize("compression", ["none", "lzw", "deflate", "packbits"])
def test_a_tiff_keeps_its_compression(tmp_path: Path, compression: str) -> None:
    names = {"none": "raw", "lzw": "tiff_lzw", "deflate": "tiff_adobe_deflate", "packbits": "packbits"}
    Image.fromarray(COFFEE).save(tmp_path / "a.tif", compression=names[compression])
    rows, header = rows_of(tmp_path / "a.tif")
    assert header.compression == compression
    with RowWriter(tmp_path / "b.tif", header, "tiff") as writer:
        writer.append(rows)
    assert image_files.inspect(tmp_path / "b.tif").compression == compression
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "b.tif")), COFFEE)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_sample_value_survives_decoding_and_encoding(depth: int, channels: int) -> None:
    values = np.arange(2**depth, dtype=np.uint8 if depth == 8 else np.uint16).reshape(16, -1, 1)
    raw = np.concatenate([np.roll(values, shift, axis=1) for shift in range(channels)], axis=2)
    header = Header("tiff", raw.shape[1], raw.shape[0], channels, depth)
    pixels = image_files.decode(raw, header)
    assert pixels.dtype == torch.float32
    np.testing.assert_array_equal(image_files.encode(pixels, raw, header), raw)


def test_alpha_is_kept_and_never_decoded() -> None:
    raw = ARRAYS["RGBA 16"]
    header = Header("tiff", raw.shape[1], raw.shape[0], 3, 16, has_alpha=True)
    pixels = image_files.decode(raw, header)
    assert pixels.shape == (3, 203, 157)
    encoded = image_files.encode(torch.zeros_like(pixels), raw, header)
    np.testing.assert_array_equal(encoded[:, :, 3], raw[:, :, 3])
    assert not encoded[:, :, :3].any()


def test_results_that_are_not_numbers_are_refused() -> None:
    raw = COFFEE
    header = Header("tiff", raw.shape[1], raw.shape[0], 3, 8)
    pixels = image_files.decode(raw, header)
    pixels[0, 3, 3] = float("nan")
    with pytest.raises(WriteError, match="not numbers"):
        image_files.encode(pixels, raw, header)


def test_rows_can_be_read_in_any_order(tmp_path: Path) -> None:
    path = write_with_tifffile(tmp_path / "a.tif", COFFEE, compression="zlib")
    with image_files.open_rows(path) as reader:
        for top, bottom in ((100, 150), (0, 20), (10, 203), (202, 203), (0, 203)):
            np.testing.assert_array_equal(reader.read(top, bottom), COFFEE[top:bottom])
        with pytest.raises(PictureError):
            reader.read(10, 204)


@pytest.mark.parametrize("size", [(203, 157), (96, 96), (31, 400), (3, 2)])
@pytest.mark.parametrize("long_side", [96, 17])
def test_a_thumbnail_is_the_mean_over_areas(tmp_path: Path, size: tuple[int, int], long_side: int) -> None:
    array = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(array).save(tmp_path / "a.png")
    thumbnail = image_files.thumbnail(tmp_path / "a.png", long_side)
    scale = min(1.0, long_side / max(size))
    small = max(1, round(size[1] * scale)), max(1, round(size[0] * scale))
    expected = [
        np.asarray(Image.fromarray(array[:, :, band].astype(np.float32)).resize(small, Image.Resampling.BOX))
        for band in range(3)
    ]
    assert thumbnail.shape == (3, small[1], small[0])
    # PIL's box filter rounds its support to whole samples; the mean of everything does not depend on that.
    assert abs(float(thumbnail.mean()) - array.mean() / 255) < 0.02
    whole = max(size) / long_side
    if whole == int(whole):
        np.testing.assert_allclose(thumbnail.numpy() * 255, np.stack(expected), atol=0.01)
    torch.testing.assert_close(image_files.shrink(image_files.read(tmp_path / "a.png").pixels, long_side), thumbnail)


def test_area_weights_average_fractions_of_samples() -> None:
    weights = image_files.area_weights(5, 2)
    torch.testing.assert_close(weights, torch.tensor([[0.4, 0.4, 0.2, 0, 0], [0, 0, 0.2, 0.4, 0.4]]))


def test_the_thumbnail_of_a_grey_picture_has_three_channels(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    thumbnail = image_files.thumbnail(tmp_path / "a.png", 50)
    assert thumbnail.shape == (3, 50, 39)
    assert torch.equal(thumbnail[0], thumbnail[2])


def test_the_thumbnail_is_the_same_in_strips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(COFFEE).save(tmp_path / "a.png")
    whole = image_files.thumbnail(tmp_path / "a.png", 50)
    monkeypatch.setattr(image_files, "CHUNK_BYTES", 157 * 3 * 13)
    torch.testing.assert_close(image_files.thumbnail(tmp_path / "a.png", 50), whole, atol=1e-6, rtol=0)


def test_sixteen_bits_are_rounded_to_eight_for_jpeg(tmp_path: Path) -> None:
    source = write_with_tifffile(tmp_path / "a.tif", ARRAYS["RGB 16"])
    image_files.write(image_files.read(source), tmp_path / "b.jpg", quality=100)
    found = np.asarray(Image.open(tmp_path / "b.jpg")).astype(int)
    assert np.abs(found - ARRAYS["RGB 16"] / 257).mean() < 1.0


def test_grey_becomes_rgb_in_webp(tmp_path: Path) -> None:
    picture = Picture.from_array(GREY)
    found = np.asarray(Image.open(image_files.write(picture, tmp_path / "b.webp"))).astype(int)
    assert found.shape == (203, 157, 3)
    assert np.abs(found - GREY[:, :, None]).mean() < 4


def test_jpeg_is_written_without_color_subsampling(tmp_path: Path) -> None:
    image_files.write(Picture.from_array(COFFEE), tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3


def test_a_linear_picture_is_encoded_on_writing(tmp_path: Path) -> None:
    picture = Picture(torch.full((3, 4, 4), 0.5), space=Space.LINEAR)
    assert np.asarray(Image.open(image_files.write(picture, tmp_path / "a.png")))[0, 0, 0] == 188


def test_the_ending_names_the_format() -> None:
    assert image_files.format_of("x/SCAN.TIF") == "tiff"
    with pytest.raises(WriteError, match="names no format"):
        image_files.format_of("scan.gif")
