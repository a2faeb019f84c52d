"""Marks that a detector finds on the whole picture, and a restorer that is told of them tile by tile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from skimage import data

import vasari
from vasari.foundation import image_files
from vasari.foundation.errors import PlanError, WeightsError
from vasari.foundation.picture import Picture
from vasari.models import hub
from vasari.models.detectors import Detector, found_marks
from vasari.models.restorers import Restorer
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.marks import MARKS_PX, marks_of
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.restore.work import RestoreWork

WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
NARROW = {"widths": [16, 16, 16], "depths": [1, 1, 1, 1, 1]}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """`model` and `detector` of a plan: a restorer that is told of marks, and a detector that finds some."""
    folder = tmp_path_factory.mktemp("models")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        detector, restorer = Detector(**NARROW), Restorer(**NARROW, marked=True)
        torch.nn.init.normal_(detector.tail.weight, std=0.5)
        torch.nn.init.normal_(restorer.tail.weight, std=0.03)
    finds = hub.save(detector, folder / "finds.safetensors", {"network": {"name": "detector", "options": NARROW}})
    told = {"name": "finds", "digest": hub.digest(finds)}
    header = {"network": {"name": "restorer", "options": {**NARROW, "marked": True}}, "detector": told}
    return {"model": str(hub.save(restorer, folder / "told.safetensors", header)), "detector": str(finds)}


@pytest.fixture
def astronaut() -> Picture:
    return Picture.from_array(data.astronaut()[:150, 120:330])


def plan(models: dict[str, str], **options: Any) -> RestorePlan:
    return RestorePlan(**models, precision="float32", **options)


def test_the_repair_heeds_marks_where_they_are_and_no_farther_than_it_sees(models: dict[str, str]) -> None:
    network = hub.load(models["model"]).network
    assert isinstance(network, Restorer)
    pixels = torch.rand(1, 3, 96, 160, generator=torch.Generator().manual_seed(0))
    marks = torch.zeros(1, 1, 96, 160)
    marks[..., 40:56, 20:30] = 1
    with torch.inference_mode():
        survey = network.survey(pixels)
        told, untold, none = (
            network(pixels, survey, WHOLE, one).picture for one in (marks, None, torch.zeros_like(marks))
        )
    moved = (told - untold).abs()
    assert moved[..., 40:56, 20:30].mean() > 1e-3
    assert moved[..., 120:].max() < 1 / 255
    torch.testing.assert_close(untold, none)


def test_the_damage_map_weighs_what_the_detector_and_the_repair_tell(
    models: dict[str, str], astronaut: Picture
) -> None:
    conservator = Conservator.of(plan(models))
    source = astronaut.pixels[None]
    seen = conservator.survey(astronaut.pixels)
    treated = conservator.treat(source, seen, WHOLE)
    found = seen.marks_in(WHOLE, *source.shape[2:])
    assert found is not None
    with torch.inference_mode():
        repaired = seen.restored(conservator.network, source, WHOLE).damage
    torch.testing.assert_close(treated.damage, 0.75 * found + 0.25 * repaired, atol=1e-4, rtol=0)
    assert found.std() > 0.01 and (found - repaired).abs().mean() > 0.01


def test_marks_are_sought_in_the_tone_that_the_survey_gives_at_two_scales(models: dict[str, str]) -> None:
    restorer, detector = (hub.load(models[name]).network for name in ("model", "detector"))
    assert isinstance(restorer, Restorer) and isinstance(detector, Detector)
    tall = torch.rand(3, 64, 40, generator=torch.Generator().manual_seed(1)).repeat_interleave(24, 1)
    tall = tall.repeat_interleave(24, 2)
    with torch.inference_mode():
        survey = restorer.survey(image_files.shrink(tall, 512)[None])
        survey = replace(survey, offset=survey.offset + 0.2)
        found = marks_of(detector, tall, restorer, survey)
        fine, coarse = (
            found_marks(detector, (image_files.shrink(tall, side)[None] + 0.2).clamp(0, 1)) for side in (768, 512)
        )
    still = restorer.tone(tall[None, :, :64, :40], survey, WHOLE) - tall[None, :, :64, :40]
    torch.testing.assert_close(still, torch.full_like(still, 0.2), atol=2e-2, rtol=0)
    assert max(tall.shape[1:]) == 2 * MARKS_PX and found.shape == fine.shape == (1, 1, 768, 480)
    there = torch.nn.functional.interpolate(coarse, (768, 480), mode="bilinear")
    torch.testing.assert_close(found, ((fine.square() + there.square()) / 2).sqrt(), atol=5e-2, rtol=0)
    assert (fine - there).abs().max() > 0.1, "nothing differs between the scales"


def test_the_marks_of_a_tile_lie_where_they_were(models: dict[str, str]) -> None:
    tall = torch.rand(3, 768, 480, generator=torch.Generator().manual_seed(1))
    seen = Conservator.of(plan(models)).survey(tall)
    assert seen.marks is not None and seen.marks.shape[2:] == (768, 480)
    part, (top, left, rows, columns) = torch.tensor([[0.25, 0.5, 0.5, 0.75]]), (192, 240, 192, 120)
    there = seen.marks_in(part, rows, columns)  # at the reduction's own scale nothing is interpolated
    expected = seen.marks[..., top : top + rows, left : left + columns]
    assert there is not None
    torch.testing.assert_close(there, expected, atol=2e-3, rtol=0)
    twice = seen.marks_in(part, 2 * rows, 2 * columns)
    assert twice is not None
    torch.testing.assert_close(torch.nn.functional.avg_pool2d(twice, 2).mean(), expected.mean(), atol=2e-3, rtol=0)


@pytest.mark.parametrize("tile_px", [64, 96])
def test_tiles_equal_the_whole_within_a_level(models: dict[str, str], astronaut: Picture, tile_px: int) -> None:
    whole = vasari.restore(astronaut, plan(models, tile_px=4096)).pixels
    tiled = vasari.restore(astronaut, plan(models, tile_px=tile_px)).pixels
    assert (whole - tiled).abs().max() <= 1 / 255
    assert (whole - astronaut.pixels).abs().mean() > 1 / 255


def test_the_detector_stands_in_the_record_where_the_repair_heeds_it(
    models: dict[str, str], tiny_restorer: Path
) -> None:
    assert [one.name for one in RestoreWork.of(plan(models)).models] == ["told", "finds"]
    assert [one.name for one in RestoreWork.of(plan({"model": models["model"]}, stages=("tone",))).models] == ["told"]
    assert [one.name for one in RestoreWork.of(RestorePlan(model=str(tiny_restorer))).models] == ["tiny"]


def test_the_bundled_detector_by_name_is_the_same_job() -> None:
    assert RestorePlan(detector="detect") == RestorePlan()
    with pytest.raises(PlanError, match="without the stage repair"):
        RestorePlan(detector="other.safetensors", stages=("tone",))


def test_a_detector_that_no_repair_heeds_is_refused(models: dict[str, str], tiny_restorer: Path) -> None:
    """Also a name that nothing has: before, it was not looked at."""
    for detector, others in ((models["detector"], {}), ("nothing", {}), (models["detector"], {"strength": 0.0})):
        with pytest.raises(PlanError, match="would change nothing"):
            RestoreWork.of(RestorePlan(model=str(tiny_restorer), detector=detector, **others))


def test_another_detector_than_the_one_trained_with_is_refused(models: dict[str, str], tmp_path: Path) -> None:
    other = hub.save(
        Detector(**NARROW), tmp_path / "o.safetensors", {"network": {"name": "detector", "options": NARROW}}
    )
    with pytest.raises(WeightsError, match="goes with another detector"):
        Conservator.of(plan({**models, "detector": str(other)}))
    with pytest.raises(WeightsError, match="finds no marks"):
        Conservator.of(plan({**models, "detector": models["model"]}))
