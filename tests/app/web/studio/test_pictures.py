"""Pictures of the studio: tiles put together are the picture, maps have their color, masks come back as they lie."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps
from skimage import data

from vasari.app.web.errors import Refusal
from vasari.app.web.iiif.masters import examined
from vasari.app.web.studio import masks, tiles
from vasari.app.web.studio.restoring import Square
from vasari.app.web.studio.sources import region_of, source_of, turned, within
from vasari.app.web.workbench import Workbench
from vasari.foundation.errors import ArchiveError, PictureError, PlanError


def _picture(folder: Path, orientation: int = 1, size: tuple[int, int] = (700, 600)) -> Path:
    image = Image.fromarray(data.astronaut()).resize(size)
    exif = Image.Exif()
    exif[274] = orientation
    path = folder / f"{orientation}.png"
    image.save(path, exif=exif)
    return path


def _master(path: Path, content: str = "0" * 64):  # type: ignore[no-untyped-def]
    return examined(path, 0, f"{content}#0", path.stat().st_size)


def test_tiles_put_together_are_the_picture(bench: Workbench, tmp_path: Path) -> None:
    path = _picture(tmp_path)
    master = _master(path)
    top = (max(master.size) - 1).bit_length()
    whole = np.zeros((600, 700, 3), np.uint8)
    for row in range(2):
        for column in range(2):
            with Image.open(io.BytesIO(tiles.tile(bench, master, top, column, row))) as image:
                array = np.asarray(image.convert("RGB"))
            whole[512 * row : 512 * row + array.shape[0], 512 * column : 512 * column + array.shape[1]] = array
    with Image.open(path) as image:
        wanted = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(whole - wanted).mean() < 4  # WebP of quality 82
    with Image.open(io.BytesIO(tiles.tile(bench, master, top - 1, 0, 0))) as image:
        assert image.size == (350, 300)
    for place in ((top + 1, 0, 0), (top, 2, 0), (top, 0, 2), (-1, 0, 0), (top, -1, 0)):
        with pytest.raises(PlanError):
            tiles.tile(bench, master, *place)


def test_a_map_is_transparent_where_it_is_black_and_in_its_color_elsewhere(bench: Workbench, tmp_path: Path) -> None:
    levels = np.zeros((64, 48), np.uint8)
    levels[:10] = 200
    Image.fromarray(levels).save(tmp_path / "map.png")
    master = _master(tmp_path / "map.png")
    for layer, color in tiles.MAP_COLORS.items():
        with Image.open(io.BytesIO(tiles.tile(bench, master, 6, 0, 0, layer))) as image:
            rgba = np.asarray(image)
        assert rgba.shape == (64, 48, 4) and (rgba[..., :3] == color).all() and (rgba[10:, :, 3] == 0).all()
        # 200 of 255 as it is, and its square root.
        assert (rgba[:10, :, 3] == {"damage": 200, "change": 226}[layer]).all()
    with pytest.raises(PlanError, match="no map"):
        tiles.tile(bench, master, 6, 0, 0, "gold")


def test_a_map_is_turned_as_its_picture_is(bench: Workbench, tmp_path: Path) -> None:
    levels = np.zeros((64, 48), np.uint8)
    levels[:10] = 255
    Image.fromarray(levels).save(tmp_path / "map.png")
    master = _master(tmp_path / "map.png")
    with Image.open(io.BytesIO(tiles.tile(bench, turned(master, 6), 6, 0, 0, "change"))) as image:
        found = np.asarray(image)[..., 3]
    assert found.shape == (48, 64) and (found == np.rot90(levels, -1)).all()
    assert turned(master, None) == master


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_painted_mask_comes_back_as_the_picture_is_stored(bench: Workbench, tmp_path: Path, orientation: int) -> None:
    """What is kept is stored unturned; turned by another's reading of EXIF it is what was painted."""
    path = _picture(tmp_path, orientation, (70, 40))
    master = _master(path, f"{orientation}" * 64)
    painted = Image.new("RGBA", master.size)
    ImageDraw.Draw(painted).rectangle((3, 5, 20, 12), fill=(255, 255, 255, 255))
    file = io.BytesIO()
    painted.save(file, "PNG")
    plane = masks.read(file.getvalue(), master)
    stored = masks._stored(masks.vips().Image.new_from_array(plane), orientation).numpy()
    exif = Image.Exif()
    exif[274] = orientation
    image = Image.fromarray(stored)
    image.info["exif"] = exif.tobytes()
    image.getexif()[274] = orientation
    assert (np.asarray(ImageOps.exif_transpose(image)) == np.asarray(painted)[..., 3]).all()


def test_a_reduced_mask_is_enlarged_and_kept_like_an_upload(bench: Workbench) -> None:
    work = source_of(bench, "work:1").picture
    width, height = work.size
    small = Image.new("RGBA", (-(-width // 4), -(-height // 4)))
    ImageDraw.Draw(small).rectangle((10, 10, 29, 19), fill=(255, 255, 255, 255))
    file = io.BytesIO()
    small.save(file, "PNG")
    reference = masks.kept(bench, work, file.getvalue(), "ada", whole=True, hard=True)
    kept = source_of(bench, reference)
    with Image.open(kept.picture.path) as image:
        array = np.asarray(image)
    assert array.shape == (height, width) and set(np.unique(array)) == {0, 255}
    rows, columns = np.nonzero(array)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == pytest.approx((40, 79, 40, 119), abs=2)
    assert masks.kept(bench, work, file.getvalue(), "ada", whole=True, hard=True) == reference


@pytest.mark.parametrize("what", ["no picture", "a JPEG", "another shape", "black", "too large"])
def test_bad_masks_are_refused(bench: Workbench, what: str) -> None:
    work = source_of(bench, "work:1").picture
    file = io.BytesIO()
    if what == "no picture":
        file.write(b"\x89PNG and then nothing")
    elif what == "too large":
        Image.new("1", (5000, 4000), 1).save(file, "PNG")
    else:
        size = work.size if what != "another shape" else (200, 50)
        Image.new("L", size, 0 if what == "black" else 255).save(file, "JPEG" if what == "a JPEG" else "PNG")
    with pytest.raises(PictureError):
        masks.kept(bench, work, file.getvalue(), "ada", whole=True, hard=True)


def test_pixels_are_those_of_the_picture(bench: Workbench, tmp_path: Path) -> None:
    path = _picture(tmp_path, 6)
    master = _master(path, "a" * 64)
    with Image.open(path) as image:
        wanted = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert master.size == (600, 700)
    assert (region_of(bench, master, 100, 200, 64, 32) == wanted[200:232, 100:164]).all()
    assert within(bench, master, 100).shape == (100, 86, 3)


@pytest.mark.parametrize(
    "reference",
    ["work:999", "upload:" + "0" * 64, "job:" + "0" * 24 + "/a.png", "file:/etc/passwd", "work:1/../2", "", "x" * 900],
)
def test_what_is_not_there_or_not_ours_is_refused(bench: Workbench, reference: str) -> None:
    with pytest.raises((PlanError, ArchiveError, Refusal)):
        source_of(bench, reference)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (999, 799), (500, 400), (5000, 5000)])
def test_a_square_lies_within_the_picture(x: int, y: int) -> None:
    square = Square.around(x, y, (1000, 800), 256)
    assert (square.width, square.height) == (256, 256)
    assert 0 <= square.left <= 744 and 0 <= square.top <= 544
    more = square.with_halo(32, (1000, 800))
    assert more.left == max(0, square.left - 32) and more.left + more.width <= 1000
    assert Square.around(x, y, (100, 50), 256) == Square(0, 0, 100, 50)
