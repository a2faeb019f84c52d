"""Pictures translated: in memory and from file to file, in tiles, at a working size, refused where they cannot be."""

from __future__ import annotations

import dataclasses
import importlib.util
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage import data

import vasari
from vasari.foundation import image_files
from vasari.foundation.errors import PlanError, WeightsError
from vasari.foundation.picture import Metadata, Picture
from vasari.foundation.treatment import read_treatment
from vasari.models import hub
from vasari.models.translators import SURVEY_PX
from vasari.tasks.batch.terms import BatchOptions
from vasari.tasks.translate.apply import Interpreter, enlarged
from vasari.tasks.translate.replay import replay
from vasari.tasks.translate.translate_plan import TranslatePlan
from vasari.tasks.translate.work import TranslateWork, translate_files


@pytest.fixture
def coffee() -> Picture:
    picture = Picture.from_array(data.coffee()[50:250, 100:360].astype(np.uint16) * 257)
    alpha = torch.full((1, picture.height, picture.width), 0.5)
    return dataclasses.replace(picture, metadata=Metadata(dpi=(300.0, 300.0), orientation=6), alpha=alpha)


def by_hand(picture: Picture, model: Path) -> torch.Tensor:
    """The whole picture in one call, no tiles."""
    network = hub.load(model).network
    with torch.inference_mode():
        statistics = network.survey(image_files.shrink(picture.pixels, SURVEY_PX)[None])  # type: ignore[operator]
        return network(picture.pixels[None], statistics)[0]


def test_a_picture_is_translated_and_keeps_what_it_came_with(coffee: Picture, tiny_translator: Path) -> None:
    made = vasari.translate(coffee, tiny_translator, precision="float32")
    torch.testing.assert_close(made.pixels, by_hand(coffee, tiny_translator), atol=1e-5, rtol=0)
    assert (made.pixels - coffee.pixels).abs().mean() > 3 / 255
    assert (made.metadata, made.alpha, made.depth) == (coffee.metadata, coffee.alpha, 16)


@pytest.mark.parametrize("working_px", [0, 96])
def test_tiles_equal_the_whole(coffee: Picture, tiny_translator: Path, working_px: int) -> None:
    options = {"precision": "float32", "working_px": working_px}
    whole = vasari.translate(coffee, tiny_translator, tile_px=4096, **options).pixels
    tiled = vasari.translate(coffee, tiny_translator, tile_px=64, **options).pixels
    assert (whole - tiled).abs().max() <= 1 / 255


def test_at_a_working_size_the_coarse_comes_from_the_model_and_the_fine_from_the_picture(
    coffee: Picture, tiny_translator: Path
) -> None:
    made = vasari.translate(coffee, tiny_translator, precision="float32", working_px=64).pixels
    small = image_files.shrink(coffee.pixels, 64)
    network = hub.load(tiny_translator).network
    with torch.inference_mode():
        change = (network(small[None])[0] - small).permute(1, 2, 0).numpy()
    # OpenCV's bicubic has the same kernel (a = -0.75) and the same centers.
    size = (coffee.width, coffee.height)
    expected = coffee.pixels.permute(1, 2, 0).numpy() + cv2.resize(change, size, interpolation=cv2.INTER_CUBIC)
    assert np.abs(made.permute(1, 2, 0).numpy() - expected.clip(0, 1)).max() < 1e-3


def test_a_picture_no_larger_than_the_working_size_is_seen_as_it_is(coffee: Picture, tiny_translator: Path) -> None:
    made = vasari.translate(coffee, tiny_translator, precision="float32", working_px=260)
    with torch.inference_mode():
        expected = hub.load(tiny_translator).network(coffee.pixels[None])[0]
    torch.testing.assert_close(made.pixels, expected, atol=1e-4, rtol=0)


def test_the_working_size_is_that_of_the_header_unless_told(
    coffee: Picture, tmp_path: Path, tiny_translator: Path
) -> None:
    loaded = hub.load(tiny_translator)
    named = hub.save(loaded.network, tmp_path / "named.safetensors", {**loaded.recipe, "working_px": 64})
    options = {"precision": "float32"}
    at_64 = vasari.translate(coffee, tiny_translator, working_px=64, **options).pixels
    assert torch.equal(vasari.translate(coffee, named, **options).pixels, at_64)
    assert torch.equal(
        vasari.translate(coffee, named, working_px=0, **options).pixels,
        vasari.translate(coffee, tiny_translator, **options).pixels,
    )
    wrong = hub.save(loaded.network, tmp_path / "wrong.safetensors", {**loaded.recipe, "working_px": "large"})
    with pytest.raises(WeightsError, match="working_px='large'"):
        vasari.translate(coffee, wrong)


def test_parts_of_an_enlarged_map_fit_together() -> None:
    change = torch.rand(1, 3, 7, 9, generator=torch.Generator().manual_seed(1))
    whole = enlarged(change, torch.tensor([[0.0, 0.0, 1.0, 1.0]]), 70, 90)
    part = enlarged(change, torch.tensor([[20 / 70, 30 / 90, 50 / 70, 60 / 90]]), 30, 30)
    torch.testing.assert_close(whole[:, :, 20:50, 30:60], part, atol=1e-5, rtol=0)


@pytest.mark.parametrize("working_px", [0, 64])
def test_strength_blends_and_zero_gives_the_source_back(
    coffee: Picture, tiny_translator: Path, working_px: int
) -> None:
    options = {"precision": "float32", "working_px": working_px}
    full = vasari.translate(coffee, tiny_translator, **options).pixels
    half = vasari.translate(coffee, tiny_translator, strength=0.5, **options).pixels
    torch.testing.assert_close(half, (full + coffee.pixels) / 2)
    assert torch.equal(vasari.translate(coffee, tiny_translator, strength=0.0, **options).pixels, coffee.pixels)


def test_grey_comes_out_grey_and_wide_colors_pass(coffee: Picture, tiny_translator: Path) -> None:
    grey = Picture.from_array(data.camera()[:128, :128])
    made = vasari.translate(grey, tiny_translator, precision="float32")
    as_rgb = grey.with_pixels(grey.pixels.expand(3, -1, -1).contiguous())
    expected = vasari.translate(as_rgb, tiny_translator, precision="float32").pixels.mean(0, keepdim=True)
    assert made.is_grey
    torch.testing.assert_close(made.pixels, expected, atol=1e-5, rtol=0)
    interpreter, window = Interpreter.of(TranslatePlan(str(tiny_translator))), torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    wide = coffee.pixels[None, :, :64, :64] * 1.6 - 0.3
    statistics = interpreter.survey(wide[0])
    inside = interpreter.treat(wide.clamp(0, 1), statistics, window).result
    torch.testing.assert_close(interpreter.treat(wide, statistics, window).result, inside + wide - wide.clamp(0, 1))


def test_models_of_another_task_are_refused(coffee: Picture, tiny_restorer: Path, scans: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="of the task restore, and does not translate") as caught:
        vasari.translate(coffee, tiny_restorer)
    assert "translate" in caught.value.remedy
    with pytest.raises(WeightsError):
        translate_files([scans], BatchOptions(tmp_path / "out"), TranslatePlan(str(tiny_restorer)))
    assert not (tmp_path / "out" / "ledger.jsonl").exists()
    with pytest.raises(WeightsError, match="no model"):
        vasari.translate(coffee, "no-such-model")
    with pytest.raises(PlanError, match="No model"):
        TranslateWork.of(TranslatePlan())


def test_a_folder_is_translated_with_records_and_replayed(
    scans: Path, tmp_path: Path, tiny_translator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    plan = TranslatePlan(str(tiny_translator), working_px=64, precision="float32", evidence=True, strength=0.8)
    summary = translate_files([scans], BatchOptions(tmp_path / "out"), plan)
    assert sorted(str(one.result) for one in summary.done) == ["box/coffee.tif", "camera.png", "pilot.jpg"]
    record = read_treatment(tmp_path / "out" / "box" / "coffee.treatment.json")
    assert (record.operation, record.models[0].name) == ("translate", "tiny-translator")
    assert record.digital_source_type.endswith("compositeWithTrainedAlgorithmicMedia")
    assert [one.name for one in record.stages] == ["translate", "blend"]
    assert record.stages[0].numbers["working_px"] == 64
    assert "damaged_share" not in record.stages[0].numbers
    assert [one.name for one in record.evidence] == ["coffee.change.png"]
    read = image_files.read(tmp_path / "out" / "box" / "coffee.tif")
    expected = vasari.translate(
        scans / "box" / "coffee.tif", tiny_translator, working_px=64, precision="float32", strength=0.8
    )
    assert read.depth == 16
    assert (read.pixels - expected.pixels).abs().max() <= 1 / 65535
    done = replay(tmp_path / "out" / "box" / "coffee.treatment.json", tmp_path / "again")
    assert done.result.read_bytes() == (tmp_path / "out" / "box" / "coffee.tif").read_bytes()
    assert translate_files([scans], BatchOptions(tmp_path / "out"), plan).entries == ()


def test_a_finished_folder_imports_no_torch(scans: Path, tmp_path: Path, tiny_translator: Path) -> None:
    translate_files([scans], BatchOptions(tmp_path / "out"), TranslatePlan(str(tiny_translator)))
    code = (
        "import sys\n"
        "from vasari.app.cli.main import main\n"
        f"assert main(['translate', {str(tiny_translator)!r}, {str(scans)!r}, '-o', {str(tmp_path / 'out')!r}]) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert importlib.util.find_spec("torch") is not None


def test_strength_zero_is_told_as_nothing_done(tiny_translator: Path) -> None:
    work = TranslateWork.of(TranslatePlan(str(tiny_translator), strength=0.0))
    assert (work.stages({"megapixels": 1.0})[0].name, work.source_type) == ("none", "enhanced")
