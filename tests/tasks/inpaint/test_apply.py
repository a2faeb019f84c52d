"""One picture filled: in memory and from file to file, with every method, outside the hole bit for bit the source."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from skimage.restoration import inpaint_biharmonic

import vasari
from vasari.foundation import image_files
from vasari.foundation.errors import (
    MissingExtraError,
    PictureError,
    PictureTooLargeError,
    PlanError,
    WeightsError,
    WriteError,
)
from vasari.foundation.picture import Metadata, Picture, Space
from vasari.foundation.treatment import SOURCE_TYPES, read_treatment
from vasari.models.inpainters import coarser, enlarged, smooth_fill
from vasari.tasks.batch import page
from vasari.tasks.inpaint import ground
from vasari.tasks.inpaint.files import Request, box_of, inpaint_file
from vasari.tasks.inpaint.filler import Filler
from vasari.tasks.inpaint.plan import METHODS, InpaintPlan

SIZE = (150, 210)
BOXES = ((20, 44, 100, 140), (90, 93, 10, 200), (130, 150, 0, 15))


def plan(model: Path, **options: object) -> InpaintPlan:
    return InpaintPlan(model=str(model), precision="float32", **options)  # type: ignore[arg-type]


@pytest.fixture
def astronaut() -> Picture:
    picture = Picture.from_array(data.astronaut()[: SIZE[0], 120 : 120 + SIZE[1]])
    return replace(picture, metadata=Metadata(dpi=(300.0, 300.0), orientation=6), alpha=torch.full((1, *SIZE), 0.5))


@pytest.fixture
def mask() -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    for top, bottom, left, right in BOXES:
        mask[top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize("method", METHODS)
def test_every_method_fills_the_hole_and_nothing_else(
    method: str, astronaut: Picture, mask: np.ndarray, tiny_inpainter: Path
) -> None:
    made = vasari.inpaint(astronaut, mask, plan(tiny_inpainter, method=method))
    missing = torch.from_numpy(mask)
    assert torch.equal(made.pixels[:, ~missing], astronaut.pixels[:, ~missing])
    assert (made.pixels - astronaut.pixels)[:, missing].abs().mean() > 1 / 255
    assert 0 <= made.pixels.min() and made.pixels.max() <= 1
    assert (made.metadata, made.alpha, made.depth) == (astronaut.metadata, astronaut.alpha, astronaut.depth)


@pytest.mark.parametrize("method", METHODS)
def test_what_the_hole_held_does_not_matter(
    method: str, astronaut: Picture, mask: np.ndarray, tiny_inpainter: Path
) -> None:
    other = torch.where(torch.from_numpy(mask), 1 - astronaut.pixels, astronaut.pixels)
    made = [vasari.inpaint(astronaut.with_pixels(one), mask, plan(tiny_inpainter, method=method)).pixels
            for one in (astronaut.pixels, other)]  # fmt: skip
    assert torch.equal(*made)


def test_the_network_goes_from_coarse_to_fine(astronaut: Picture, mask: np.ndarray, tiny_inpainter: Path) -> None:
    """By hand: 210 px, then 105 within first_px=128; no tiles."""
    network = Filler.of(plan(tiny_inpainter)).network
    pixels, missing = astronaut.pixels[None], torch.from_numpy(mask)[None, None].float()
    with torch.inference_mode():
        small, small_mask = coarser(pixels, missing)
        small = network(smooth_fill(small, small_mask), small_mask).clamp(0, 1)
        expected = network(torch.where(missing > 0, enlarged(small, SIZE), pixels), missing).clamp(0, 1)
        at_once = network(smooth_fill(pixels, missing), missing).clamp(0, 1)
    made = vasari.inpaint(astronaut, mask, plan(tiny_inpainter))
    assert (made.pixels - expected[0]).abs().max() < 0.5 / 255
    assert (made.pixels - at_once[0]).abs().max() > 2 / 255
    made = vasari.inpaint(astronaut, mask, plan(tiny_inpainter, first_px=256))
    assert (made.pixels - at_once[0]).abs().max() < 0.5 / 255


def test_classical_methods_are_those_of_their_libraries(astronaut: Picture, mask: np.ndarray) -> None:
    picture = replace(astronaut, pixels=astronaut.pixels[:1].contiguous())
    grey = picture.to_array(8)[:, :, 0]
    for method, flag in (("telea", cv2.INPAINT_TELEA), ("navier-stokes", cv2.INPAINT_NS)):
        made = vasari.inpaint(picture, mask, method=method, radius_px=4).to_array(8)[:, :, 0]
        expected = cv2.inpaint(np.where(mask, np.uint8(0), grey), mask.astype(np.uint8), 4, flag)
        # In 16 bits here, in 8 there, where every step inwards is rounded.
        assert np.abs(made.astype(int) - expected)[mask].mean() < 2.5
    made = vasari.inpaint(picture, mask, method="biharmonic").pixels[0].numpy()
    assert np.abs(made - np.clip(inpaint_biharmonic(picture.pixels[0].numpy(), mask), 0, 1)).max() < 1e-5


@pytest.mark.parametrize(("method", "package"), [("telea", "cv2"), ("biharmonic", "skimage.restoration")])
def test_a_missing_package_is_named_with_its_extra(
    method: str, package: str, astronaut: Picture, mask: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"vasari\[inpainting\]"):
        vasari.inpaint(astronaut, mask, method=method)


def test_masks_and_pictures_of_every_form_are_the_same_to_the_library(
    tmp_path: Path, astronaut: Picture, tiny_inpainter: Path
) -> None:
    options = {"model": str(tiny_inpainter), "precision": "float32"}
    box, array = (30, 20, 40, 25), astronaut.to_array(8)
    mask = np.zeros(SIZE, bool)
    mask[20:45, 30:70] = True
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.fromarray(array).save(tmp_path / "picture.png")
    masks = (box, mask, torch.from_numpy(mask), tmp_path / "mask.png")
    made = [vasari.inpaint(array, one, **options).pixels for one in masks]
    made.append(vasari.inpaint(tmp_path / "picture.png", box, **options).pixels)
    assert all(torch.equal(one, made[0]) for one in made[1:])


def test_grey_linear_and_growing(astronaut: Picture, mask: np.ndarray, tiny_inpainter: Path) -> None:
    grey = Picture.from_array(data.camera()[: SIZE[0], : SIZE[1]].astype(np.uint16) * 257)
    made = vasari.inpaint(grey, mask, plan(tiny_inpainter))
    assert made.is_grey and made.depth == 16
    linear = Picture(astronaut.pixels.pow(2.2), space=Space.LINEAR)
    made = vasari.inpaint(linear, mask, plan(tiny_inpainter))
    assert made.space is Space.LINEAR
    assert torch.equal(made.pixels[:, ~torch.from_numpy(mask)], linear.pixels[:, ~torch.from_numpy(mask)])
    changed = (vasari.inpaint(astronaut, mask, plan(tiny_inpainter, grow_px=3)).pixels != astronaut.pixels).any(0)
    assert changed[17:20, 97:143].float().mean() > 0.9 and not changed[:16].any()


def test_refusals_of_the_library(
    astronaut: Picture, mask: np.ndarray, tiny_inpainter: Path, tiny_restorer: Path
) -> None:
    with pytest.raises(PlanError, match="a plan and the options"):
        vasari.inpaint(astronaut, mask, plan(tiny_inpainter), method="telea")
    with pytest.raises(PlanError, match="even"):
        vasari.inpaint(astronaut, mask, patch_px=8)
    with pytest.raises(PictureError, match="210×150"):
        vasari.inpaint(astronaut, mask[:-1])
    with pytest.raises(WeightsError, match="does not fill"):
        vasari.inpaint(astronaut, mask, plan(tiny_restorer))
    assert vasari.inpaint(astronaut, np.zeros_like(mask), plan(tiny_inpainter)) is astronaut


def write_picture(path: Path, astronaut: Picture, depth: int) -> Path:
    return image_files.write(replace(astronaut, depth=depth), path)


@pytest.mark.parametrize(("name", "depth"), [("a.tif", 16), ("a.png", 8)])
def test_a_file_is_filled_as_the_picture_in_memory(
    name: str, depth: int, astronaut: Picture, mask: np.ndarray, tiny_inpainter: Path, tmp_path: Path
) -> None:
    source = write_picture(tmp_path / name, astronaut, depth)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    before, told = source.read_bytes(), []
    options = plan(tiny_inpainter, tile_px=64)
    done = inpaint_file(
        Request(source, tmp_path / "out" / name, mask=tmp_path / "mask.png"), options, advance=told.append
    )
    read, made = image_files.read(source), image_files.read(done.result)
    expected = vasari.inpaint(read, mask, options)
    assert (made.pixels - expected.pixels).abs().max() <= 1 / 255
    assert np.array_equal(made.to_array()[~mask], read.to_array()[~mask])
    assert torch.equal(made.alpha, read.alpha) and made.depth == depth  # type: ignore[arg-type]
    assert made.metadata.dpi == read.metadata.dpi and source.read_bytes() == before
    assert told[0] == 0 and told[-1] == 1 and told == sorted(told)
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == [name, "a.treatment.json"]


def test_the_ground_of_a_large_picture_is_laid_strip_by_strip(
    astronaut: Picture, mask: np.ndarray, tiny_inpainter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the limits lowered to 60 px in memory: a factor of 4, in strips of 16 rows, still fills as well."""
    usual = vasari.inpaint(astronaut, mask, plan(tiny_inpainter, first_px=64))
    monkeypatch.setattr(ground, "WHOLE_PX", 60)
    monkeypatch.setattr(ground, "STRIP_PX", 16)
    options = plan(tiny_inpainter, first_px=64, tile_px=64)
    assert ground.factor_of(*SIZE, options) == 4
    made = vasari.inpaint(astronaut, mask, options)
    missing = torch.from_numpy(mask)
    assert torch.equal(made.pixels[:, ~missing], astronaut.pixels[:, ~missing])
    assert (made.pixels - usual.pixels).abs()[:, missing].mean() < 0.05
    monkeypatch.setattr(ground, "WHOLE_PIXELS", 100)
    with pytest.raises(PictureTooLargeError, match="telea"):
        vasari.inpaint(astronaut, mask, method="telea")


def test_the_record_tells_what_was_done(
    astronaut: Picture, mask: np.ndarray, tiny_inpainter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    source = write_picture(tmp_path / "a.tif", astronaut, 8)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    options = plan(tiny_inpainter)
    request = Request(source, tmp_path / "b.tif", mask=tmp_path / "mask.png")
    done = inpaint_file(request, options)
    told = read_treatment(done.record)
    assert (told.operation, told.result.name, told.result.sha256) == ("inpaint", "b.tif", done.sha256)
    assert told.models[0].name == "tiny-inpainter" and told.digital_source_type == SOURCE_TYPES["composite"]
    assert told.plan["mask"]["pixels"] == mask.sum() == done.filled_pixels and told.plan["mask"]["told"] == "mask.png"
    assert told.stages[0].numbers["filled_share"] == pytest.approx(mask.mean(), abs=1e-6)
    assert b"compositeWithTrainedAlgorithmicMedia" in (image_files.read(done.result).metadata.xmp or b"")
    assert inpaint_file(request, options).sha256 == done.sha256, "its own result may be made again"
    other = inpaint_file(Request(source, tmp_path / "c.tif", box=(1, 2, 9, 9)), InpaintPlan(method="exemplar", seed=4))
    told = read_treatment(other.record)
    assert (told.seed, told.models, told.digital_source_type) == (4, (), SOURCE_TYPES["enhanced"])


def test_an_empty_mask_gives_a_copy(astronaut: Picture, tiny_inpainter: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    Image.fromarray(astronaut.to_array(8)).save(source)
    Image.new("L", (SIZE[1], SIZE[0])).save(tmp_path / "mask.png")
    done = inpaint_file(Request(source, tmp_path / "b.jpg", mask=tmp_path / "mask.png"), plan(tiny_inpainter))
    assert done.filled_pixels == 0 and done.result.read_bytes() == source.read_bytes()
    assert read_treatment(done.record).stages[0].name == "none"


def test_pages_of_a_tiff_and_lossy_results(astronaut: Picture, tiny_inpainter: Path, tmp_path: Path) -> None:
    import tifffile

    pages = np.stack([astronaut.to_array(8), astronaut.to_array(8)[::-1]])
    tifffile.imwrite(tmp_path / "two.tif", pages, photometric="rgb")
    request = Request(tmp_path / "two.tif", tmp_path / "b.png", box=(5, 6, 20, 20), page=1)
    made = np.asarray(Image.open(inpaint_file(request, plan(tiny_inpainter)).result))
    outside = np.ones(SIZE, bool)
    outside[6:26, 5:25] = False
    assert np.array_equal(made[outside], pages[1][outside])
    with pytest.raises(WriteError, match="b.treatment.json"):
        inpaint_file(replace(request, output=tmp_path / "b.jpg"), plan(tiny_inpainter))
    with pytest.raises(PlanError, match="jpeg"):
        inpaint_file(replace(request, output=tmp_path / "c.jpg"), plan(tiny_inpainter))
    done = inpaint_file(replace(request, output=tmp_path / "c.jpg"), plan(tiny_inpainter, lossy=True))
    assert np.abs(np.asarray(Image.open(done.result)).astype(int) - made).mean() < 6


def test_found_damage_is_filled(tmp_path: Path, tiny_inpainter: Path) -> None:
    scratched = data.coffee()[50:200, 100:300].copy()
    scratched[40:43, 20:180] = 255
    Image.fromarray(scratched).save(tmp_path / "a.png")
    done = inpaint_file(Request(tmp_path / "a.png", tmp_path / "b.png", damage=True), plan(tiny_inpainter))
    assert 0 < done.filled_share < 0.2
    made, told = np.asarray(Image.open(done.result)), read_treatment(done.record).plan["mask"]
    assert (made[40:43, 20:180] != 255).any(2).mean() > 0.5
    assert told["origin"] == "damage" and "restore-faithful" in told["told"]


def test_refusals_of_files(astronaut: Picture, tiny_inpainter: Path, tmp_path: Path) -> None:
    source = write_picture(tmp_path / "a.png", astronaut, 8)
    options, box = plan(tiny_inpainter), (5, 6, 20, 20)
    (tmp_path / "foreign.png").write_bytes(b"mine")
    with pytest.raises(WriteError, match="not as Vasari"):
        inpaint_file(Request(source, tmp_path / "foreign.png", box=box), options)
    with pytest.raises(WriteError, match="the picture itself"):
        inpaint_file(Request(source, source, box=box, overwrite=True), options)
    with pytest.raises(PlanError, match="mask is the picture"):
        inpaint_file(Request(source, tmp_path / "b.png", mask=source), options)
    with pytest.raises(PlanError, match="folder"):
        inpaint_file(Request(source, tmp_path, box=box), options)
    with pytest.raises(PictureError, match="page"):
        inpaint_file(Request(source, tmp_path / "b.png", box=box, page=3), options)
    with pytest.raises(PlanError, match="More than one"):
        Request(source, tmp_path / "b.png", box=box, damage=True)
    with pytest.raises(PlanError, match="four whole numbers"):
        box_of("1,2,three,4")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.png", "foreign.png"]
    assert (
        inpaint_file(Request(source, tmp_path / "foreign.png", box=box, overwrite=True), options).filled_pixels == 400
    )


@pytest.mark.parametrize("moment", [0, 1])
def test_a_run_that_broke_off_while_it_replaced_goes_on(
    astronaut: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """It dies before the new record is published, or between record and result."""
    source = write_picture(tmp_path / "a.png", astronaut, 8)
    request = Request(source, tmp_path / "out" / "b.png", box=(5, 6, 20, 20))
    inpaint_file(request, InpaintPlan(method="telea"))
    calls = []

    class Died(BaseException):
        pass

    def dying(staged: Path, target: Path) -> None:
        calls.append(target.name)
        if len(calls) > moment:
            raise Died
        publish(staged, target)

    publish, other = page.publish, replace(request, box=(50, 60, 20, 20))
    with monkeypatch.context() as patched:
        patched.setattr(page, "publish", dying)
        with pytest.raises(Died):
            inpaint_file(other, InpaintPlan(method="telea"))
    assert calls == ["b.treatment.json", "b.png"][: moment + 1]
    done = inpaint_file(other, InpaintPlan(method="telea"))
    assert read_treatment(done.record).plan["mask"]["told"] == "50,60,20,20"
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["b.png", "b.treatment.json"]


@pytest.mark.parametrize("first_px", [128, 256])
def test_a_grey_picture_in_three_channels_stays_grey(first_px: int, mask: np.ndarray, tiny_inpainter: Path) -> None:
    grey = np.repeat(data.camera()[: SIZE[0], : SIZE[1], None], 3, 2)
    made = vasari.inpaint(grey, mask, plan(tiny_inpainter, first_px=first_px)).to_array(8)
    assert (made == made[:, :, :1]).all() and (made != grey)[mask].any()


def test_a_tile_is_worked_at_every_size_between_the_ground_and_itself(
    astronaut: Picture, mask: np.ndarray, tiny_inpainter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a ground four times smaller, in one tile, comes what the coarse-to-fine fill of the whole gives."""
    options = plan(tiny_inpainter, first_px=64)
    whole = Filler.of(options).fill(
        torch.where(torch.from_numpy(mask), 0, astronaut.pixels)[None], torch.from_numpy(mask)[None, None].float()
    )
    monkeypatch.setattr(ground, "WHOLE_PX", 60)
    assert ground.factor_of(*SIZE, options) == 4
    made = vasari.inpaint(astronaut, mask, options)
    assert (made.pixels - whole[0]).abs().max() < 0.5 / 255
