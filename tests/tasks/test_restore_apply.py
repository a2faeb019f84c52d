"""One picture restored: in memory and from file to file, with every option of the plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pyvips
import torch
from PIL import Image
from skimage import data
from skimage.morphology import dilation, footprint_rectangle

import vasari
from vasari.foundation import image_files
from vasari.foundation.damage import age
from vasari.foundation.errors import PictureError, PlanError, WeightsError
from vasari.foundation.image_formats import Limits
from vasari.foundation.picture import Metadata, Picture
from vasari.models.restorers import OVERVIEW_PX
from vasari.tasks.restore.apply import CHANGE_SCALE, Outputs, treat_file
from vasari.tasks.restore.conservator import Conservator, damage_mask
from vasari.tasks.restore.plan import RestorePlan


def plan(model: Path, **options: object) -> RestorePlan:
    return RestorePlan(model=str(model), precision="float32", **options)  # type: ignore[arg-type]


@pytest.fixture
def astronaut() -> Picture:
    picture = Picture.from_array(data.astronaut()[:150, 120:330])
    return replace(picture, metadata=Metadata(dpi=(300.0, 300.0), orientation=6), alpha=torch.full((1, 150, 210), 0.5))


def restore_by_hand(picture: Picture, conservator: Conservator) -> tuple[torch.Tensor, ...]:
    """Toned, repaired and damage of a whole picture: no tiles, no files."""
    network, pixels = conservator.network, picture.pixels[None]
    with torch.inference_mode():
        survey = network.survey(image_files.shrink(picture.pixels, OVERVIEW_PX)[None])
        restored = network(pixels, survey, torch.tensor([[0.0, 0.0, 1.0, 1.0]]))
    return restored.toned[0], restored.picture[0], restored.damage[0]


def test_a_picture_is_restored_and_keeps_what_it_came_with(astronaut: Picture, tiny_restorer: Path) -> None:
    made = vasari.restore(astronaut, plan(tiny_restorer))
    expected = restore_by_hand(astronaut, Conservator.of(plan(tiny_restorer)))[1].clamp(0, 1)
    assert (made.pixels - expected).abs().max() < 1 / 255
    assert (made.pixels - astronaut.pixels).abs().mean() > 1 / 255
    assert (made.metadata, made.alpha, made.depth) == (astronaut.metadata, astronaut.alpha, astronaut.depth)


def test_paths_arrays_and_pictures_are_the_same_to_the_library(tmp_path: Path, tiny_restorer: Path) -> None:
    array = data.coffee()[:100, :120]
    Image.fromarray(array).save(tmp_path / "coffee.png")
    options = {"model": str(tiny_restorer), "precision": "float32"}
    made = [vasari.restore(one, **options) for one in (array, Picture.from_array(array), tmp_path / "coffee.png")]
    assert torch.equal(made[0].pixels, made[1].pixels)
    assert torch.equal(made[0].pixels, made[2].pixels)
    assert made[2].save(tmp_path / "restored.png").exists()


def test_a_plan_and_options_together_are_refused(astronaut: Picture) -> None:
    with pytest.raises(PlanError, match="a plan and the options strength"):
        vasari.restore(astronaut, RestorePlan(), strength=0.5)
    with pytest.raises(PlanError, match="unknown key"):
        vasari.restore(astronaut, strenght=0.5)


@pytest.mark.parametrize("tile_px", [64, 96])
def test_tiles_equal_the_whole_within_a_level(astronaut: Picture, tiny_restorer: Path, tile_px: int) -> None:
    whole = vasari.restore(astronaut, plan(tiny_restorer, tile_px=4096)).pixels
    tiled = vasari.restore(astronaut, plan(tiny_restorer, tile_px=tile_px)).pixels
    assert (whole - tiled).abs().max() <= 1 / 255


def test_strength_blends_and_zero_gives_the_source_back(astronaut: Picture, tiny_restorer: Path) -> None:
    full = vasari.restore(astronaut, plan(tiny_restorer)).pixels
    half = vasari.restore(astronaut, plan(tiny_restorer, strength=0.5)).pixels
    torch.testing.assert_close(half, (full + astronaut.pixels) / 2)
    assert torch.equal(vasari.restore(astronaut, plan(tiny_restorer, strength=0.0)).pixels, astronaut.pixels)


def test_the_stage_tone_alone_is_the_tone_pass(astronaut: Picture, tiny_restorer: Path) -> None:
    toned = restore_by_hand(astronaut, Conservator.of(plan(tiny_restorer)))[0].clamp(0, 1)
    made = vasari.restore(astronaut, plan(tiny_restorer, stages=("tone",))).pixels
    torch.testing.assert_close(made, toned, atol=1e-5, rtol=0)


@pytest.mark.parametrize("options", [{"tone": "keep"}, {"stages": ("repair",)}])
def test_the_tone_is_kept_where_it_is_asked(astronaut: Picture, tiny_restorer: Path, options: dict) -> None:
    kept = vasari.restore(astronaut, plan(tiny_restorer, **options)).pixels
    network, source = Conservator.of(plan(tiny_restorer)).network, astronaut.pixels[None]
    toned, repaired, _ = restore_by_hand(astronaut, Conservator.of(plan(tiny_restorer)))
    with torch.inference_mode():
        survey = network.survey(image_files.shrink(astronaut.pixels, OVERVIEW_PX)[None])
        window = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
        expected = network.keep_tone(source, toned[None], repaired[None], survey, window)[0].clamp(0, 1)
    assert (kept - expected).abs().mean() < 1 / 255
    assert (kept - repaired).abs().mean() > 1 / 255


def test_grey_comes_out_grey(tiny_restorer: Path) -> None:
    camera = Picture.from_array(data.camera()[:128, :128])
    made = vasari.restore(camera, plan(tiny_restorer))
    as_rgb = Picture.from_array(np.repeat(data.camera()[:128, :128, None], 3, axis=2))
    repaired = restore_by_hand(as_rgb, Conservator.of(plan(tiny_restorer)))[1].clamp(0, 1)
    assert made.is_grey and (repaired - repaired.mean(0)).abs().max() > 1 / 255, "the network itself gives a tint"
    torch.testing.assert_close(made.pixels, repaired.mean(0, keepdim=True), atol=1e-5, rtol=0)
    assert torch.equal(vasari.restore(as_rgb, plan(tiny_restorer)).pixels, made.pixels.expand(3, -1, -1))


@pytest.mark.parametrize("vividness", [0.0, 1.0])
def test_tiles_of_the_bundled_weights_equal_the_whole_within_a_level(vividness: float) -> None:
    clean = torch.from_numpy(data.astronaut()[:400, 50:450].copy()).permute(2, 0, 1) / 255
    scan = age(clean, era="albumen", severity=3, seed=2).aged.clamp(0, 1).permute(1, 2, 0).numpy()
    whole, tiled = (
        vasari.restore(scan, vividness=vividness, tile_px=side, precision="float32").pixels for side in (768, 64)
    )
    assert (whole - tiled).abs().max() < 1 / 255


@pytest.mark.parametrize(("profile", "within"), [(None, 0), ("p3", 1)])
def test_grey_coded_as_rgb_comes_out_grey_from_file_to_file(
    profile: str | None, within: int, tmp_path: Path, tiny_restorer: Path
) -> None:
    grey = np.repeat(data.camera()[:128, :128, None], 3, axis=2)
    attached = pyvips.Image.profile_load(profile) if profile else None
    Image.fromarray(grey).save(tmp_path / "grey.png", icc_profile=attached)
    treat(tmp_path / "grey.png", Outputs(tmp_path / "made.png"), plan(tiny_restorer, tile_px=64))
    made = Image.open(tmp_path / "made.png")
    assert bool(made.info.get("icc_profile")) == bool(profile)
    assert (np.asarray(made) != grey).any() and np.ptp(np.asarray(made).astype(int), axis=2).max() <= within


def test_a_speck_of_color_in_a_grey_picture_is_not_made_grey(tiny_restorer: Path) -> None:
    grey = np.repeat(data.camera()[:128, :128, None], 3, axis=2)
    speck = grey.copy()
    speck[60, 60] = (200, 30, 30)
    conservator, seen = Conservator.of(plan(tiny_restorer)), Picture.from_array(speck).pixels
    of_grey = conservator.survey(Picture.from_array(grey).pixels)
    made = conservator.treat(seen[None], of_grey, torch.tensor([[0.0, 0.0, 1.0, 1.0]])).result[0]
    colored = made.amax(0) != made.amin(0)
    assert colored[60, 60] and colored.sum() == 1
    assert not conservator.survey(seen).is_grey


def test_colors_beyond_srgb_are_carried_past_the_network(astronaut: Picture, tiny_restorer: Path) -> None:
    wide = astronaut.with_pixels(astronaut.pixels * 1.6 - 0.3)
    beyond = wide.pixels - wide.pixels.clamp(0, 1)
    conservator, window = Conservator.of(plan(tiny_restorer)), torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    survey = conservator.survey(image_files.shrink(wide.pixels, OVERVIEW_PX))
    made = conservator.treat(wide.pixels[None], survey, window).result[0]
    inside = conservator.treat(wide.pixels.clamp(0, 1)[None], survey, window).result[0]
    torch.testing.assert_close(made, inside + beyond)
    assert made.max() > 1


def test_vividness_interpolates_the_weights(
    monkeypatch, astronaut: Picture, tiny_restorer: Path, other_restorer: Path
) -> None:
    from vasari.models import hub
    from vasari.tasks.restore import weights

    pair = ((str(tiny_restorer), 0.75), (str(other_restorer), 0.25))
    monkeypatch.setattr(weights, "shares", lambda plan: pair)
    mixed = Conservator.of(plan(tiny_restorer))
    first, second = hub.load(tiny_restorer).network.state_dict(), hub.load(other_restorer).network.state_dict()
    for name, value in mixed.network.state_dict().items():
        torch.testing.assert_close(value, 0.75 * first[name] + 0.25 * second[name])
    assert [one.share for one in mixed.models] == [0.75, 0.25]


def test_a_missing_model_stops(astronaut: Picture, tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        vasari.restore(astronaut, model=str(tmp_path / "none.safetensors"))
    assert caught.value.remedy


def test_the_mask_is_the_damage_and_a_margin_as_scikit_image_dilates() -> None:
    damage = torch.rand(1, 1, 60, 70, generator=torch.Generator().manual_seed(1)) ** 8
    mask = damage_mask(damage, 0.8, 3)[0, 0].numpy() > 0
    expected = dilation((damage[0, 0] >= 0.8).numpy(), footprint_rectangle((7, 7)))
    assert np.array_equal(mask, expected)
    assert damage_mask(damage, 0.0, 0).min() == 1


def treat(path: Path, outputs: Outputs, asked: RestorePlan, page: int = 0):
    return treat_file(path, page, Conservator.of(asked), outputs, xmp=lambda m, f: m.xmp, limits=Limits())


def test_a_file_is_restored_as_the_picture_in_memory_is(scans: Path, tmp_path: Path, tiny_restorer: Path) -> None:
    source = scans / "box" / "coffee.tif"
    asked = plan(tiny_restorer, tile_px=64)
    findings = treat(source, Outputs(tmp_path / "out.tif"), asked)
    streamed, whole = image_files.read(tmp_path / "out.tif"), vasari.restore(source, asked)
    assert (streamed.pixels - whole.pixels).abs().max() <= 1 / 255
    assert streamed.depth == 16
    assert streamed.metadata.dpi == pytest.approx((600, 600))
    assert findings.megapixels == pytest.approx(130 * 160 / 1e6)


def test_the_maps_show_what_the_network_found_and_how_far_pixels_moved(
    scans: Path, tmp_path: Path, tiny_restorer: Path
) -> None:
    source = scans / "box" / "coffee.tif"
    outputs = Outputs(tmp_path / "out.tif", tmp_path / "damage.png", tmp_path / "change.png")
    findings = treat(source, outputs, plan(tiny_restorer))
    before, after = image_files.read(source).pixels, image_files.read(outputs.result).pixels
    moved = np.ceil((after - before).abs().amax(0).numpy() * 255 * CHANGE_SCALE)
    change = np.asarray(Image.open(tmp_path / "change.png")).astype(float)
    assert np.abs(change - np.clip(moved, 0, 255)).max() <= 1
    damage = restore_by_hand(image_files.read(source), Conservator.of(plan(tiny_restorer)))[2][0].numpy()
    assert np.abs(np.asarray(Image.open(tmp_path / "damage.png")) / 255 - damage).max() < 0.02
    assert findings.changed_share > 0.5


@pytest.mark.parametrize("name", ["box/coffee.tif", "camera.png"])
def test_only_damage_leaves_every_other_sample_alone(
    scans: Path, tmp_path: Path, tiny_restorer: Path, name: str
) -> None:
    source = scans / name
    outputs = Outputs(tmp_path / f"out{source.suffix}", tmp_path / "damage.png", tmp_path / "change.png")
    damage = np.asarray(restore_by_hand_file(source, tiny_restorer))
    threshold = float(np.quantile(damage, 0.97))
    findings = treat(source, outputs, plan(tiny_restorer, only_damage=True, damage_threshold=threshold, tile_px=64))
    with image_files.open_rows(source) as before, image_files.open_rows(outputs.result) as after:
        height = before.header.height
        same = (before.read(0, height) == after.read(0, height)).all(axis=2)
    allowed = dilation(damage >= threshold - 0.01, footprint_rectangle((7, 7)))
    assert same[~allowed].all()
    assert 0 < (~same).mean() < 0.9
    assert (np.asarray(Image.open(outputs.change))[same] == 0).mean() > 0.99
    assert 0 < findings.changed_share < 0.9


def restore_by_hand_file(source: Path, model: Path) -> torch.Tensor:
    picture = image_files.read(source)
    return restore_by_hand(picture.with_pixels(picture.pixels.expand(3, -1, -1)), Conservator.of(plan(model)))[2][0]


def test_only_damage_refuses_a_lossy_result(scans: Path, tmp_path: Path, tiny_restorer: Path) -> None:
    with pytest.raises(PictureError, match="bit-identical"):
        treat(scans / "pilot.jpg", Outputs(tmp_path / "out.jpg"), plan(tiny_restorer, only_damage=True))
    assert not list(tmp_path.glob("out*"))


def test_strength_zero_gives_every_sample_back(scans: Path, tmp_path: Path, tiny_restorer: Path) -> None:
    source = scans / "box" / "coffee.tif"
    treat(source, Outputs(tmp_path / "out.tif"), plan(tiny_restorer, strength=0.0))
    with image_files.open_rows(source) as before, image_files.open_rows(tmp_path / "out.tif") as after:
        assert np.array_equal(before.read(0, 130), after.read(0, 130))


def test_stopping_in_the_middle_leaves_nothing(scans: Path, tmp_path: Path, tiny_restorer: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(share: float) -> None:
        raise Stopped

    outputs = Outputs(tmp_path / "out.tif", tmp_path / "d.png", tmp_path / "c.png")
    with pytest.raises(Stopped):
        treat_file(
            scans / "box" / "coffee.tif", 0, Conservator.of(plan(tiny_restorer)), outputs,
            xmp=lambda m, f: None, limits=Limits(), advance=stop,
        )  # fmt: skip
    assert [one.name for one in tmp_path.iterdir()] == ["scans"]
