"""Pixels of the Image API against Pillow's crops, reductions, turns and conversions."""

from __future__ import annotations

import hashlib
import io
import threading
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms, ImageOps

from vasari.app.web.iiif import levels
from vasari.app.web.iiif.disk_cache import DiskCache
from vasari.app.web.iiif.image_service import Pictures
from vasari.app.web.iiif.levels import ReadingCopies
from vasari.app.web.iiif.masters import Master, master_of
from vasari.app.web.iiif.rendering import rendered
from vasari.app.web.iiif.requests import parse, worked_out
from vasari.foundation.errors import PictureError

#: More pixels than the tests take for small, so that a reading copy is made.
LARGE = (640, 480)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "SMALL_PIXELS", 150_000)
    monkeypatch.setattr(levels, "SMALLEST_LEVEL", 320)


@pytest.fixture
def copies(tmp_path: Path) -> ReadingCopies:
    return ReadingCopies(DiskCache(tmp_path / "copies", 1 << 30))


def scene(width: int, height: int) -> np.ndarray:
    """Smooth colors with an unsymmetric mark, so that no turn or mirror looks like another; uint8 [h, w, 3]."""
    rows, columns = np.mgrid[0:height, 0:width] / max(width, height)
    planes = [0.5 + 0.4 * np.sin(9 * columns + 2 * rows), columns, 0.3 + 0.6 * rows]
    pixels = np.rint(np.stack(planes, 2).clip(0, 1) * 255).astype(np.uint8)
    pixels[: height // 5, : width // 3] = (230, 20, 40)
    return pixels


def master(path: Path, page: int = 0) -> Master:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest() + (f"#{page}" if page else "")
    row = {
        "path": str(path), "page": page, "content": digest, "sha256": digest, "bytes": len(data), "copied": False,
        "modified_ns": path.stat().st_mtime_ns,
    }  # fmt: skip
    return master_of(row, path.parent)


def shown(source: Master, address: str, copies: ReadingCopies) -> Image.Image:
    work = worked_out(parse(*address.split("/")), *source.size)
    picture = Image.open(io.BytesIO(rendered(source, work, copies)))
    picture.load()
    return picture


def gap(picture: Image.Image, expected: Image.Image) -> float:
    """The mean difference of levels, 0..255, of two pictures of one size."""
    assert picture.size == expected.size
    one, other = (np.asarray(one.convert("RGB"), np.float64) for one in (picture, expected))
    return float(np.abs(one - other).mean())


REGIONS = ["full", "square", "0,0,256,256", "512,256,256,256", "pct:10,20,30.5,40", "300,5,1,1"]


@pytest.mark.parametrize("suffix", ["png", "strips.tif", "tiles.tif", "pyramid.tif", "small.png"])
@pytest.mark.parametrize("region", REGIONS)
def test_a_region_at_full_size_is_the_masters_own_pixels(
    tmp_path: Path, copies: ReadingCopies, suffix: str, region: str
) -> None:
    pixels = scene(*(LARGE if "small" not in suffix else (400, 300)))
    if region.startswith("512") and "small" in suffix:
        region = "256,256,256,256"
    path = tmp_path / f"picture.{suffix}"
    saved = pyvips.Image.new_from_array(pixels)
    if suffix.startswith("tiles"):
        saved.tiffsave(str(path), tile=True, tile_width=128, tile_height=128)
    elif suffix.startswith("pyramid"):
        saved.tiffsave(str(path), tile=True, tile_width=128, tile_height=128, pyramid=True, subifd=True)
    else:
        Image.fromarray(pixels).save(path)
    source = master(path)
    picture = shown(source, f"{region}/max/0/default.png", copies)
    work = worked_out(parse(region, "max", "0", "default.png"), *source.size)
    expected = pixels[work.top : work.top + work.height, work.left : work.left + work.width]
    assert np.array_equal(np.asarray(picture), expected)
    made = copies.found(source) is not None
    assert made == (suffix in ("png", "strips.tif", "tiles.tif"))


@pytest.mark.parametrize("suffix", ["jpg", "webp", "png", "tif"])
@pytest.mark.parametrize("address", ["full/160,", "full/!72,72", "0,0,512,512/128,", "50,80,360,360/120,60"])
def test_a_reduced_region_looks_as_pillow_reduces_it(
    tmp_path: Path, copies: ReadingCopies, suffix: str, address: str
) -> None:
    path = tmp_path / f"picture.{suffix}"
    Image.fromarray(scene(*LARGE)).save(path, **({"quality": 95} if suffix in ("jpg", "webp") else {}))
    source = master(path)
    picture = shown(source, f"{address}/0/default.png", copies)
    work = worked_out(parse(*address.split("/"), "0", "default.png"), *source.size)
    box = (work.left, work.top, work.left + work.width, work.top + work.height)
    with Image.open(path) as opened:
        expected = opened.convert("RGB").crop(box).resize(work.to, Image.Resampling.LANCZOS)
    assert gap(picture, expected) < 1.5


def test_an_overview_of_a_large_jpeg_makes_no_reading_copy(tmp_path: Path, copies: ReadingCopies) -> None:
    path = tmp_path / "picture.jpg"
    Image.fromarray(scene(*LARGE)).save(path)
    shown(master(path), "full/!160,160/0/default.jpg", copies)
    assert copies.cache.total_bytes == 0
    shown(master(path), "0,0,256,256/128,/0/default.jpg", copies)
    assert copies.cache.total_bytes > 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(90, 60), LARGE])
def test_every_orientation_is_turned_upright(
    tmp_path: Path, copies: ReadingCopies, orientation: int, size: tuple[int, int]
) -> None:
    picture = Image.fromarray(scene(*size))
    exif = picture.getexif()
    exif[0x0112] = orientation
    path = tmp_path / "picture.jpg"
    picture.save(path, exif=exif, quality=95, subsampling=0)
    source = master(path)
    with Image.open(path) as opened:
        expected = ImageOps.exif_transpose(opened)
    assert source.size == expected.size
    assert gap(shown(source, "full/max/0/default.png", copies), expected) < 0.7
    corner = expected.crop((0, 0, 30, 20))
    assert gap(shown(source, "0,0,30,20/max/0/default.png", copies), corner) < 2.5
    small = expected.resize((45, round(45 * expected.height / expected.width)), Image.Resampling.LANCZOS)
    assert gap(shown(source, "full/45,/0/default.png", copies), small) < 2.5


@pytest.mark.parametrize(
    ("rotation", "turned"),
    [
        ("90", lambda one: one.transpose(Image.Transpose.ROTATE_270)),
        ("180", lambda one: one.transpose(Image.Transpose.ROTATE_180)),
        ("270", lambda one: one.transpose(Image.Transpose.ROTATE_90)),
        ("!0", ImageOps.mirror),
        ("!90", lambda one: ImageOps.mirror(one).transpose(Image.Transpose.ROTATE_270)),
    ],
)
def test_quarter_turns_and_mirrors_are_exact(tmp_path: Path, copies: ReadingCopies, rotation: str, turned) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(scene(90, 60)).save(path)
    expected = turned(Image.fromarray(scene(90, 60)).crop((10, 5, 60, 45)))
    picture = shown(master(path), f"10,5,50,40/max/{rotation}/default.png", copies)
    assert np.array_equal(np.asarray(picture.convert("RGB")), np.asarray(expected))


def test_any_angle_turns_clockwise_on_white_or_on_nothing(tmp_path: Path, copies: ReadingCopies) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(scene(300, 200)).save(path)
    clear = shown(master(path), "full/max/22.5/default.png", copies)
    assert clear.mode == "RGBA"
    assert clear.getpixel((0, 0))[3] == 0
    expected = Image.fromarray(scene(300, 200)).convert("RGBA")
    expected = expected.rotate(-22.5, expand=True, resample=Image.Resampling.BILINEAR)
    assert abs(clear.width - expected.width) <= 2 and abs(clear.height - expected.height) <= 2
    middle = [one.crop((one.width // 2 - 60, one.height // 2 - 40, one.width // 2 + 60, one.height // 2 + 40))
              for one in (clear, expected)]  # fmt: skip
    assert gap(*middle) < 4
    white = shown(master(path), "full/max/22.5/default.jpg", copies)
    assert min(white.getpixel((1, 1))) > 250


def test_qualities(tmp_path: Path, copies: ReadingCopies) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(scene(90, 60)).save(path)
    source = master(path)
    gray = shown(source, "full/max/0/gray.png", copies)
    assert gray.mode == "L"
    bitonal = shown(source, "full/max/0/bitonal.png", copies)
    assert set(np.unique(np.asarray(bitonal.convert("L")))) == {0, 255}
    assert np.array_equal(np.asarray(bitonal.convert("L")) == 255, np.asarray(gray) > 127)
    Image.fromarray(scene(90, 60)[:, :, 0]).save(tmp_path / "gray.png")
    assert shown(master(tmp_path / "gray.png"), "full/max/0/default.jpg", copies).mode == "L"
    assert shown(master(tmp_path / "gray.png"), "full/max/0/color.jpg", copies).mode == "RGB"


@pytest.mark.parametrize("format", ["jpg", "png", "webp", "tif", "gif"])
def test_formats(tmp_path: Path, copies: ReadingCopies, format: str) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(scene(90, 60)).save(path)
    picture = shown(master(path), f"full/max/0/default.{format}", copies)
    assert picture.format == {"jpg": "JPEG", "tif": "TIFF"}.get(format, format.upper())
    assert gap(picture, Image.fromarray(scene(90, 60))) < 8


def test_another_color_space_is_brought_to_srgb(tmp_path: Path, copies: ReadingCopies) -> None:
    from PIL.ImageCms import ImageCmsProfile

    profile = pyvips.Image.black(1, 1, bands=3).copy(interpretation="srgb").icc_transform("p3", input_profile="srgb")
    p3 = profile.get("icc-profile-data")
    path = tmp_path / "picture.png"
    Image.fromarray(scene(90, 60)).save(path, icc_profile=p3)
    picture = shown(master(path), "full/max/0/default.png", copies)
    expected = ImageCms.profileToProfile(
        Image.fromarray(scene(90, 60)), ImageCmsProfile(io.BytesIO(p3)), ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )  # fmt: skip
    assert gap(picture, expected) < 1.0
    assert gap(picture, Image.fromarray(scene(90, 60))) > 3
    assert "icc_profile" not in picture.info


@pytest.mark.parametrize("size", [(90, 60), LARGE])
def test_sixteen_bits_and_floats_become_eight(tmp_path: Path, copies: ReadingCopies, size: tuple[int, int]) -> None:
    pixels = scene(*size)
    image = pyvips.Image.new_from_array(pixels.astype(np.uint16) * 257).copy(interpretation="rgb16")
    image.tiffsave(str(tmp_path / "deep.tif"))
    assert gap(shown(master(tmp_path / "deep.tif"), "full/max/0/default.png", copies), Image.fromarray(pixels)) < 0.01
    crop = shown(master(tmp_path / "deep.tif"), "5,5,40,40/max/0/default.png", copies)
    assert gap(crop, Image.fromarray(pixels[5:45, 5:45])) < 0.01
    floats = pyvips.Image.new_from_array(pixels.astype(np.float32) / 255)
    floats.copy(interpretation="srgb").tiffsave(str(tmp_path / "float.tif"))
    assert gap(shown(master(tmp_path / "float.tif"), "full/max/0/default.png", copies), Image.fromarray(pixels)) < 0.01


@pytest.mark.parametrize("size", [(90, 60), LARGE])
def test_transparent_places_are_white_in_jpeg_and_stay_in_png(
    tmp_path: Path, copies: ReadingCopies, size: tuple[int, int]
) -> None:
    alpha = np.full((size[1], size[0], 1), 255, np.uint8)
    alpha[:, : size[0] // 2] = 0
    path = tmp_path / "picture.png"
    Image.fromarray(np.concatenate([scene(*size), alpha], 2), "RGBA").save(path)
    assert min(shown(master(path), "0,0,40,40/max/0/default.jpg", copies).getpixel((5, 5))) > 250
    assert shown(master(path), "0,0,40,40/20,/0/default.png", copies).getpixel((5, 5))[3] == 0


def test_a_damaged_master_is_told(tmp_path: Path, copies: ReadingCopies) -> None:
    path = tmp_path / "picture.jpg"
    Image.fromarray(scene(*LARGE)).save(path)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(PictureError):
        shown(master(path), "0,0,512,400/128,/0/default.png", copies)
    assert copies.cache.total_bytes == 0
    assert not list(copies.cache.folder.glob("*/.*"))


def test_a_page_of_a_tiff_is_its_own_picture(tmp_path: Path, copies: ReadingCopies) -> None:
    path = tmp_path / "pages.tif"
    first, second = Image.fromarray(scene(90, 60)), Image.fromarray(scene(60, 80)[::-1].copy())
    first.save(path, save_all=True, append_images=[second])
    assert np.array_equal(np.asarray(shown(master(path, 1), "full/max/0/default.png", copies)), np.asarray(second))


def test_heic(tmp_path: Path, copies: ReadingCopies) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "picture.heic"
    pillow_heif.from_pillow(Image.fromarray(scene(300, 200))).save(path, quality=95)
    assert gap(shown(master(path), "10,10,200,100/100,/0/default.png", copies),
               Image.fromarray(scene(300, 200)).crop((10, 10, 210, 110)).resize((100, 50))) < 3  # fmt: skip


def test_a_reading_copy_that_is_long_in_making_holds_up_no_other_picture(tmp_path: Path, copies: ReadingCopies) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(ReadingCopies):
        def _make(self, master: Master, part: Path) -> object:
            begun.set()
            go_on.wait(10)
            return super()._make(master, part)

    pictures = Pictures(DiskCache(tmp_path / "tiles", 1 << 30), Slow(copies.cache), threading.BoundedSemaphore(1))
    for name, size in (("large.png", LARGE), ("small.png", (90, 60))):
        Image.fromarray(scene(*size)).save(tmp_path / name)
    large, small = master(tmp_path / "large.png"), master(tmp_path / "small.png")
    answers: list[bytes] = []

    def ask() -> None:
        work = worked_out(parse("0,0,100,100", "max", "0", "default.png"), *large.size)
        answers.append(pictures.answer(large, work))

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    assert begun.wait(10)
    assert pictures.answer(small, worked_out(parse("full", "max", "0", "default.png"), *small.size))
    assert not answers
    go_on.set()
    for asker in askers:
        asker.join(10)
    assert len(answers) == 3
