"""Large scans repaired from coarse to fine: what the draft gives to tiles, and what they keep."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from skimage import data
from torch import Tensor

import vasari
from vasari.app.web.preview_models import PreviewModels
from vasari.foundation import image_files
from vasari.foundation.errors import PlanError
from vasari.foundation.picture import Picture
from vasari.foundation.plans import digest
from vasari.models.restorers import Restored, Restorer
from vasari.tasks.film.frame_treaters import in_tiles
from vasari.tasks.film.treaters import of_worker
from vasari.tasks.restore.apply import RestoreWorker
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.drafts import Draft, is_large
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.restore.self_ensemble import FLIPS
from vasari.tasks.restore.surveyed import OVERVIEW_PX, Surveyed
from vasari.tasks.stylize.succession import Succession

WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
LARGE_PX = 560  # of a working size of 256, more than twice


@pytest.fixture(scope="module")
def large() -> Picture:
    """The astronaut at 560×480, a coarse grain on her."""
    grain = torch.randn(1, 3, 140, 120, generator=torch.Generator().manual_seed(2))
    enlarged = [
        torch.nn.functional.interpolate(one, (LARGE_PX, 480), mode="bilinear")[0]
        for one in (torch.from_numpy(data.astronaut()).permute(2, 0, 1)[None].float() / 255, grain * 0.05)
    ]
    return Picture.from_array((sum(enlarged).clamp(0, 1).permute(1, 2, 0) * 255).byte().numpy())


def plan(model: Path, **options: Any) -> RestorePlan:
    return RestorePlan(**{"model": str(model), "precision": "float32", "working_px": 256, **options})


def draft(covered: float, moved: float = 0.125) -> Draft:
    toned = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(1))
    level = torch.full((1, 1, 12, 16), covered)
    return Draft(toned, toned + moved, torch.logit(level), level)


def enlarged(pixels: Tensor) -> Tensor:
    return torch.nn.functional.interpolate(pixels, (48, 64), mode="bilinear")


def test_what_no_mark_covers_keeps_its_detail_and_moves_as_the_draft_did() -> None:
    toned = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(draft(0.2).start(toned, WHOLE)[0], toned + 0.125)


def test_what_a_mark_covers_is_the_draft_alone() -> None:
    toned = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(3))
    one = draft(0.8)
    torch.testing.assert_close(one.start(toned, WHOLE)[0], enlarged(one.repaired), atol=1e-5, rtol=0)


@pytest.mark.parametrize("in_views", [False, True])
def test_the_second_pass_is_told_where_the_draft_has_filled(monkeypatch: pytest.MonkeyPatch, in_views: bool) -> None:
    told: list[Tensor] = []

    def repaired(self: Any, toned: Tensor, survey: Any, marks: Tensor) -> Restored:
        told.append(marks)
        return Restored(toned, toned, torch.zeros_like(toned[:, :1]))

    monkeypatch.setattr(Restorer, "repaired", repaired)
    restorer = SimpleNamespace(tone=lambda source, survey, window: source, repaired=lambda *of: repaired(None, *of))
    known = draft(0.6)
    known = replace(known, covered=torch.linspace(0, 1, 16).expand(1, 1, 12, 16))
    seen = Surveyed(None, None, False, known)  # type: ignore[arg-type]
    right_half = torch.tensor([[0.0, 0.5, 1.0, 1.0]])
    seen.restored(restorer, torch.rand(1, 3, 48, 32), right_half, in_views)  # type: ignore[arg-type]
    expected = enlarged(known.covered)[..., 32:]
    turned = [one.flip(axes) for one, axes in zip(told, FLIPS if in_views else FLIPS[:1], strict=True)]
    for one in turned:
        torch.testing.assert_close(one, expected, atol=1e-5, rtol=0)


def test_damage_is_what_was_found_there_or_here() -> None:
    here = torch.full((1, 1, 48, 64), -4.0)
    here[..., :10] = 3.0
    made = Restored(torch.zeros(1, 3, 48, 64), torch.zeros(1, 3, 48, 64), here)
    found = draft(0.6).with_damage(made, WHOLE).damage
    assert torch.allclose(found[..., 10:], torch.tensor(0.6)) and bool((found[..., :10] > 0.9).all())


@pytest.mark.parametrize(("side", "working_px", "large"), [(769, 512, True), (768, 512, False), (4000, 0, False)])
def test_only_large_pictures_have_one(side: int, working_px: int, large: bool) -> None:
    assert is_large(torch.zeros(3, 10, side), working_px) is large


def test_every_working_size_that_a_plan_takes_gives_a_large_scan_a_draft() -> None:
    """What is asked for must not be without effect: an overview has 1536 px at most."""
    largest = next(one for one in fields(RestorePlan) if one.name == "working_px").metadata["maximum"]
    for working_px in (256, 512, largest):
        assert is_large(torch.zeros(3, 10, OVERVIEW_PX), RestorePlan(working_px=working_px).working_px or 512)


def test_a_small_picture_is_restored_as_before(tiny_restorer: Path, large: Picture) -> None:
    small = Picture.from_array((large.pixels[:, :300, :380].permute(1, 2, 0) * 255).byte().numpy())
    at_once, first = (vasari.restore(small, plan(tiny_restorer, working_px=px)).pixels for px in (0, 256))
    assert torch.equal(at_once, first)


def test_tiles_of_a_large_picture_equal_the_whole(tiny_restorer: Path, large: Picture) -> None:
    whole, tiled, at_once = (
        vasari.restore(large, plan(tiny_restorer, tile_px=tile, working_px=px)).pixels
        for tile, px in ((4096, 256), (192, 256), (4096, 0))
    )
    assert (whole - tiled).abs().max() <= 1 / 255
    assert (whole - at_once).abs().max() > 1 / 255, "the draft was not heeded"


def test_the_tone_of_a_tile_is_told_as_without_a_draft(tiny_restorer: Path, large: Picture) -> None:
    """It is what a repair in the tone of the scan is carried back by."""
    conservator = Conservator.of(plan(tiny_restorer))
    seen, source = conservator.survey(large.pixels), large.pixels[None]
    with torch.inference_mode():
        made = seen.restored(conservator.network, source, WHOLE)
        assert torch.equal(made.toned, conservator.network.tone(source, seen.survey, WHOLE))


def test_every_frame_of_a_shot_has_its_own_marks_and_draft(tiny_restorer: Path, large: Picture) -> None:
    conservator = Conservator.of(plan(tiny_restorer))
    shot = conservator.survey(large.pixels)
    frame = large.pixels.flip(2)
    seen = conservator.look_again(frame, shot)
    assert seen.survey is shot.survey
    assert seen.draft is not None and shot.draft is not None
    assert (seen.draft.repaired - shot.draft.repaired).abs().mean() > 0.01
    torch.testing.assert_close(
        seen.draft.toned,
        conservator.look_again(frame, seen).draft.toned,  # type: ignore[union-attr]
    )


def test_the_default_by_name_is_one_job_with_the_plans_of_before() -> None:
    assert digest(RestorePlan(working_px=512)) == digest(RestorePlan())
    assert digest(RestorePlan(working_px=0)) != digest(RestorePlan())


@pytest.mark.parametrize(
    "options", [{"working_px": 100}, {"working_px": 256, "stages": ("tone",)}, {"working_px": 256, "strength": 0.0}]
)
def test_a_working_size_that_means_nothing_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match="working_px"):
        RestorePlan(**options)


def test_films_look_at_every_frame_again(tiny_restorer: Path, large: Picture) -> None:
    """A treater of frames that kept the marks of one frame for all would restore both frames from one draft."""
    worker = RestoreWorker.of(plan(tiny_restorer))
    assert isinstance(worker.conservator, Conservator)
    treater = of_worker(worker)
    shot, frame = treater.begin_shot(large.pixels), large.pixels.flip(2)
    seen = worker.conservator.look_again(frame, shot)
    assert torch.equal(treater.treat(frame, shot), in_tiles(worker.conservator, frame, seen, 768))
    assert not torch.equal(treater.treat(frame, shot), in_tiles(worker.conservator, frame, shot, 768))


def test_previews_of_a_plan_have_its_own_halo_and_draft(tiny_restorer: Path, large: Picture) -> None:
    """Networks are kept for previews: a plan that repairs must not get what was fixed for one that does not."""
    models = PreviewModels()
    toned, repaired = plan(tiny_restorer, stages=("tone",), working_px=None), plan(tiny_restorer)
    damage = plan(tiny_restorer, only_damage=True, damage_margin_px=64)
    for one in (toned, repaired, damage):
        kept, fresh = models.conservator(one), Conservator.of(one)
        assert (kept.halo, kept.working_px) == (fresh.halo, fresh.working_px)
    assert models.conservator(toned).survey(large.pixels).draft is None


def test_a_painter_is_shown_what_restoring_its_own_size_gives(tiny_restorer: Path, large: Picture) -> None:
    """A reduction, not restored from the draft of the larger picture: it would be repaired twice."""
    seen: list[Tensor] = []
    painter = SimpleNamespace(survey=seen.append, halo=0, multiple_of=1)
    conservator = Conservator.of(plan(tiny_restorer))
    Succession(conservator, painter, 1536, 300, 4096).survey(large.pixels)  # type: ignore[arg-type]
    small = image_files.shrink(large.pixels, 300)
    tone = conservator.survey(large.pixels)
    expected = conservator.treat(small[None], conservator.look_again(small, tone), WHOLE).result[0]
    assert (seen[0] - expected).abs().max() < 1e-5
    twice = conservator.treat(small[None], tone, WHOLE).result[0]
    assert (seen[0] - twice).abs().max() > 1 / 255
