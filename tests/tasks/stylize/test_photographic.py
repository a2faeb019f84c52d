"""Photographic styles around their core: presets and scans, blended, by regions, in tiles, recorded, replayed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import color, data

import vasari
from vasari.foundation import image_files
from vasari.foundation.errors import PictureError, PlanError
from vasari.foundation.picture import Picture
from vasari.foundation.treatment import read_treatment
from vasari.tasks.batch.terms import BatchOptions
from vasari.tasks.stylize.photo.develop import develop
from vasari.tasks.stylize.photo.manner import PhotoManner, preset
from vasari.tasks.stylize.photo.measure import manner_of
from vasari.tasks.stylize.photographic import mean
from vasari.tasks.stylize.replay import replay
from vasari.tasks.stylize.stylize_plan import StylizePlan
from vasari.tasks.stylize.work import stylize_files

WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
SCAN = data.camera()[100:300, 150:400]


@pytest.fixture
def pilot() -> Picture:
    return Picture.from_array(data.astronaut()[:112, 150:310])


def test_a_year_and_a_scan_give_their_manners(pilot: Picture) -> None:
    made = vasari.stylize(pilot, "1905", style_kind="photo", seed=3).pixels
    assert torch.equal(made, develop(pilot.pixels[None], preset("1905"), WHOLE, 3)[0])
    like_scan = vasari.stylize(pilot, SCAN, style_kind="photo").pixels
    of_scan = manner_of(Picture.from_array(SCAN).pixels.expand(3, -1, -1))
    assert torch.equal(like_scan, develop(pilot.pixels[None], of_scan, WHOLE)[0])
    assert np.abs(color.rgb2lab(like_scan.permute(1, 2, 0).numpy())[..., 1:]).max() < 3


def test_tiles_equal_the_whole_and_strength_blends(pilot: Picture) -> None:
    whole = vasari.stylize(pilot, "autochrome", style_kind="photo", tile_px=4096).pixels
    tiled = vasari.stylize(pilot, "autochrome", style_kind="photo", tile_px=64).pixels
    torch.testing.assert_close(tiled, whole, atol=1 / 255, rtol=0)
    half = vasari.stylize(pilot, "autochrome", style_kind="photo", strength=0.5).pixels
    torch.testing.assert_close(half, (whole + pilot.pixels) / 2)


def test_manners_are_blended_or_go_to_their_regions(pilot: Picture) -> None:
    one, two = preset("1905"), preset("1990")
    blend = vasari.stylize(pilot, [("1905", 1), ("1990", 3)], style_kind="photo").pixels
    assert torch.equal(blend, develop(pilot.pixels[None], one.toward(two, 0.75), WHOLE)[0])
    assert mean((one, two, one), (1, 0, 1)) == one
    mask = np.zeros((112, 160), np.uint8)
    mask[:, :80] = 255
    made = vasari.stylize(pilot, ["1905", "1990"], [mask, 255 - mask], style_kind="photo").pixels
    old, new = (vasari.stylize(pilot, name, style_kind="photo").pixels for name in ("1905", "1990"))
    torch.testing.assert_close(made[..., :80], old[..., :80])
    torch.testing.assert_close(made[..., 80:], new[..., 80:])


def test_what_is_no_photograph_is_refused(pilot: Picture, tiny_painter: dict[str, str], tmp_path: Path) -> None:
    code = vasari.style_code(SCAN, scale=0.25, encoder=tiny_painter["encoder"])
    saved = code.save(tmp_path / "code.safetensors")
    for style, kind, told in (
        (code, PlanError, "no photograph's manner"),
        (saved, PlanError, "no photograph's manner"),
        ("1700", PlanError, "no photographic manner '1700'"),
        ("ambrotype", PlanError, "There is no style 'ambrotype'"),
        (SCAN[:20], PictureError, "too small"),
    ):
        with pytest.raises(kind, match=told):
            vasari.stylize(pilot, style, style_kind="photo")
    with pytest.raises(PlanError, match="float32"):
        StylizePlan(style_kind="photo", precision="bfloat16")


def test_files_are_recorded_and_replayed(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    Image.fromarray(SCAN).save(tmp_path / "old.png")
    plan = StylizePlan((f"{tmp_path / 'old.png'}:0.5", "1940:0.5"), style_kind="photo", seed=4)
    assert len(stylize_files([scans], BatchOptions(tmp_path / "out"), plan).done) == 3
    sidecar = tmp_path / "out" / "box" / "coffee.treatment.json"
    record = read_treatment(sidecar)
    assert [one.name for one in record.models] == ["style old.png", "style 1940"]
    assert record.plan["style"] == [f"{tmp_path / 'old.png'}:0.5", "1940:0.5"]
    assert (record.seed, record.machine["precision"]) == (4, "float32")
    assert record.digital_source_type.endswith("algorithmicallyEnhanced")
    assert [one.name for one in record.stages] == ["style", "style", "stylize"]
    done = replay(sidecar, tmp_path / "again")
    assert done.result.read_bytes() == (tmp_path / "out" / "box" / "coffee.tif").read_bytes()
    assert not image_files.read(tmp_path / "out" / "camera.png").is_grey


def test_a_mean_is_grey_where_most_of_its_weight_is() -> None:
    grey, color = PhotoManner(grey=True), PhotoManner()
    assert mean([grey, color, grey], [0.3, 0.35, 0.35]).grey and not mean([grey, color], [0.4, 0.6]).grey
