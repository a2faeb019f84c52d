"""Restored and stylized in one pass: equal to one after the other, recorded in order, replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from skimage import data

import vasari
from vasari.foundation import image_files
from vasari.foundation.errors import PlanError
from vasari.foundation.picture import Picture
from vasari.foundation.treatment import read_treatment
from vasari.models.restorers import OVERVIEW_PX
from vasari.tasks.batch import streams
from vasari.tasks.batch.terms import BatchOptions
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.stylize.painter import Painter
from vasari.tasks.stylize.restored import RestoreStylizePlan, replay, restore_and_stylize_files
from vasari.tasks.stylize.stylize_plan import StylizePlan
from vasari.tasks.stylize.succession import Succession

CAT = data.chelsea()[40:168, 60:220]


def plans(tiny_restorer: Path, tiny_painter: dict[str, str], **options: Any) -> RestoreStylizePlan:
    style = StylizePlan(precision="float32", style_scale=0.25, **tiny_painter, **options)
    return RestoreStylizePlan(RestorePlan(model=str(tiny_restorer), precision="float32"), style)


@pytest.mark.parametrize("tile_px", [64, 768])
@pytest.mark.parametrize("working_px", [0, 1024])
@pytest.mark.parametrize("grey", [False, True])
def test_one_pass_equals_one_after_the_other(
    tile_px: int, working_px: int, grey: bool, tiny_restorer: Path, tiny_painter: dict[str, str]
) -> None:
    # Of sides that need no filling up, which each network would do to its own multiple.
    picture = Picture.from_array(data.camera()[:128, :160] if grey else data.astronaut()[:128, 150:310])
    plan = plans(tiny_restorer, tiny_painter, working_px=working_px)
    conservator, painter = Conservator.of(plan.restore), Painter.of(plan.stylize, [(CAT, None)])
    both = Succession(conservator, painter, OVERVIEW_PX, painter.manner.thumbnail_px, tile_px)
    manner = streams.Manner(painter.manner.thumbnail_px, tile_px, colors_grey=True)
    made = streams.treat_picture(picture, both, manner).pixels
    restored = vasari.restore(picture, plan.restore)
    expected = streams.treat_picture(restored, painter, painter.manner).pixels
    assert (made - expected).abs().max() <= 2 / 255
    assert (made - expected).abs().mean() <= 0.2 / 255
    assert (restored.pixels - picture.pixels).abs().mean() > 2 / 255


def test_the_record_tells_both_in_order_and_is_replayed(
    scans: Path, tmp_path: Path, tiny_restorer: Path, tiny_painter: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    Image.fromarray(CAT).save(tmp_path / "cat.png")
    plan = plans(tiny_restorer, tiny_painter, style=(str(tmp_path / "cat.png"),))
    summary = restore_and_stylize_files([scans], BatchOptions(tmp_path / "out"), plan)
    assert len(summary.done) == 3
    record = read_treatment(tmp_path / "out" / "box" / "coffee.treatment.json")
    assert record.operation == "restore-stylize"
    assert [one.name for one in record.stages] == ["tone", "repair", "style", "stylize"]
    assert [one.name for one in record.models] == ["tiny", "tiny-encoder", "tiny-stylizer", "style cat.png"]
    assert {"working_px", "damaged_share"} <= set(record.stages[-1].numbers)
    assert image_files.read(tmp_path / "out" / "box" / "coffee.tif").depth == 16
    done = replay(tmp_path / "out" / "box" / "coffee.treatment.json", tmp_path / "again")
    assert done.result.read_bytes() == (tmp_path / "out" / "box" / "coffee.tif").read_bytes()
    assert restore_and_stylize_files([scans], BatchOptions(tmp_path / "out"), plan).entries == ()


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(PlanError, match="only_damage"):
        RestoreStylizePlan(RestorePlan(only_damage=True), StylizePlan(("a.jpg",)))
    with pytest.raises(PlanError, match="method fast"):
        RestoreStylizePlan(stylize=StylizePlan(method="optimize"))


def test_no_style_is_left_of_strength_zero(tiny_restorer: Path, tiny_painter: dict[str, str]) -> None:
    picture = Picture.from_array(data.astronaut()[:64, 150:230])
    plan = plans(tiny_restorer, tiny_painter, strength=0.0)
    both = Succession(Conservator.of(plan.restore), Painter.of(plan.stylize, [(CAT, None)]), OVERVIEW_PX, 1024, 768)
    made = streams.treat_picture(picture, both, streams.Manner(1024, 768)).pixels
    assert torch.equal(made, vasari.restore(picture, plan.restore).pixels)
