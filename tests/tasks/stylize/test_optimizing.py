"""The method optimize around its core: what it is asked, watched, ended early, recorded, replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import vasari
from vasari.foundation import image_files
from vasari.foundation.devices import threads_of
from vasari.foundation.errors import PictureError, PlanError, WeightsError
from vasari.foundation.picture import Picture
from vasari.foundation.treatment import read_treatment
from vasari.tasks.batch.terms import BatchOptions
from vasari.tasks.stylize.coding import within
from vasari.tasks.stylize.optimize.run import optimize
from vasari.tasks.stylize.optimizing import Onlooker
from vasari.tasks.stylize.replay import replay
from vasari.tasks.stylize.stylize_plan import StylizePlan
from vasari.tasks.stylize.work import stylize_files

CAT = data.chelsea()[40:168, 60:220]
QUICK = ("steps=4", "coarsest_px=64")


@pytest.fixture
def options(tiny_painter: dict[str, str]) -> dict[str, Any]:
    return {"method": "optimize", "settings": QUICK, "encoder": tiny_painter["encoder"]}


@pytest.fixture
def pilot() -> Picture:
    return Picture.from_array(data.astronaut()[:96, 150:278])


def test_a_picture_is_optimized_at_its_working_size(pilot: Picture, options: dict[str, Any]) -> None:
    made = vasari.stylize(pilot, [(CAT, 2), (CAT[::-1], 1)], **options).pixels
    styles = [(within(CAT, 2048), 2.0), (within(np.ascontiguousarray(CAT[::-1]), 2048), 1.0)]
    expected = optimize(pilot.pixels, styles, StylizePlan(**options).optimizing).pixels
    torch.testing.assert_close(made, expected, atol=1e-6, rtol=0)
    half = vasari.stylize(pilot, CAT, strength=0.5, **options).pixels
    torch.testing.assert_close(half, (vasari.stylize(pilot, CAT, **options).pixels + pilot.pixels) / 2)
    small = vasari.stylize(pilot, CAT, working_px=64, **options).pixels
    assert small.shape == pilot.pixels.shape and (small - made).abs().mean() > 1e-3


def test_where_no_mask_is_the_picture_stays(pilot: Picture, options: dict[str, Any]) -> None:
    mask = np.zeros((96, 128), np.uint8)
    mask[:, :64] = 255
    made = vasari.stylize(pilot, CAT, mask, **options).pixels
    assert torch.equal(made[..., 68:], pilot.pixels[..., 68:])
    assert (made[..., :60] - pilot.pixels[..., :60]).abs().mean() > 1e-3


def test_options_reach_the_optimization(tiny_painter: dict[str, str]) -> None:
    plan = StylizePlan(
        method="optimize", settings=("loss=wasserstein", "rate=0.5"), content_weight=3.0, style_scale=2.0, seed=7
    )
    asked = plan.optimizing
    assert (asked.loss, asked.rate, asked.content_weight, asked.style_scale, asked.seed, asked.network) == (
        "wasserstein", 0.5, 3.0, 2.0, 7, "encoder"
    )  # fmt: skip
    for settings, told in (
        (("los=gram",), "unknown key 'los'"),
        (("loss",), "no '='"),
        (("loss=mine",), "loss=mine is not known"),
        (("seed=3",), "an option of its own"),
    ):
        with pytest.raises(PlanError, match=told):
            StylizePlan(method="optimize", settings=settings)
    with pytest.raises(PlanError, match="for the method optimize"):
        StylizePlan(settings=("loss=gram",))
    with pytest.raises(PlanError, match="needs float32"):
        StylizePlan(method="optimize", precision="bfloat16")


def test_what_cannot_be_optimized_is_refused(
    pilot: Picture, options: dict[str, Any], tiny_restorer: Path, tmp_path: Path
) -> None:
    code = vasari.style_code(CAT, scale=0.25, encoder=options["encoder"])
    with pytest.raises(PlanError, match="needs the style picture"):
        vasari.stylize(pilot, code, **options)
    with pytest.raises(PictureError, match="32 px or more"):
        vasari.stylize(Picture(torch.rand(3, 20, 100)), CAT, **options)
    with pytest.raises(WeightsError):
        vasari.stylize(pilot, CAT, **{**options, "encoder": str(tiny_restorer)})
    style = tmp_path / "cat.png"
    Image.fromarray(CAT).save(style)
    plan = StylizePlan((str(style),), method="optimize", settings=("network=vgg19",))
    with pytest.raises(WeightsError, match="does not come with Vasari"):
        stylize_files([style], BatchOptions(tmp_path / "out"), plan)


def test_files_are_recorded_watched_and_replayed(
    scans: Path, tmp_path: Path, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    style = tmp_path / "cat.png"
    Image.fromarray(CAT).save(style)
    plan = StylizePlan((str(style),), **options)
    out, onlooker = BatchOptions(tmp_path / "out"), Onlooker(folder=tmp_path / "on the way")
    assert len(stylize_files([scans / "box"], out, plan, onlooker=onlooker).done) == 1
    shown = image_files.read(tmp_path / "on the way" / "coffee.progress.jpg")
    read = image_files.read(out.output / "coffee.tif")
    assert (shown.height, shown.width, read.depth) == (130, 160, 16)
    record = read_treatment(out.output / "coffee.treatment.json")
    assert [one.name for one in record.models] == ["tiny-encoder", "style cat.png"]
    assert record.machine["precision"] == "float32"
    stage = record.stages[1]
    assert stage.did == "optimized until tiny-encoder sees this style in it (gram)"
    assert stage.numbers["evaluations"] == 6 and stage.numbers["ended_early"] == 0 and stage.numbers["loss"] > 0
    done = replay(out.output / "coffee.treatment.json", tmp_path / "again")
    assert done.result.read_bytes() == (out.output / "coffee.tif").read_bytes()


def test_a_replay_on_other_threads_gives_the_same_bytes(tmp_path: Path, options: dict[str, Any]) -> None:
    """Gradients are summed over the whole picture, and steps carry the rounding of such sums on."""
    style, source = tmp_path / "cat.png", tmp_path / "coffee.png"
    Image.fromarray(CAT).save(style)
    Image.fromarray(data.coffee()[:300, :400]).save(source)
    plan = StylizePlan((str(style),), **{**options, "settings": ("steps=4", "coarsest_px=256")})
    with threads_of({"threads": "1"}):
        stylize_files([source], BatchOptions(tmp_path / "out"), plan)
    with threads_of({"threads": "2"}):
        done = replay(tmp_path / "out" / "coffee.treatment.json", tmp_path / "again")
    assert done.result.read_bytes() == (tmp_path / "out" / "coffee.png").read_bytes()


def test_one_that_is_ended_early_is_kept_and_the_next_is_not_begun(
    scans: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    style = tmp_path / "cat.png"
    Image.fromarray(CAT).save(style)
    plan, asked = StylizePlan((str(style),), **options), []

    def enough() -> bool:
        asked.append(True)
        return len(asked) > 3

    with pytest.raises(KeyboardInterrupt):
        stylize_files([scans], BatchOptions(tmp_path / "out"), plan, onlooker=Onlooker(enough))
    records = [read_treatment(one) for one in (tmp_path / "out").rglob("*.treatment.json")]
    assert len(records) == 1
    assert records[0].stages[1].numbers["evaluations"] == 3 and records[0].stages[1].numbers["ended_early"] == 1
    assert "end" in [one.name for one in records[0].stages]
    assert len(stylize_files([scans], BatchOptions(tmp_path / "out"), plan).done) == 2
