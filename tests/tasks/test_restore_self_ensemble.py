"""The mean of four mirrored views: what it is, that tiles agree, and that it is asked for or not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from skimage import data

from vasari.foundation.errors import PlanError
from vasari.foundation.picture import Picture
from vasari.foundation.plans import digest
from vasari.models import hub
from vasari.models.restorers import Restorer
from vasari.tasks.restore.apply import restore
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.restore.self_ensemble import FLIPS, repaired_in_views

WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return torch.from_numpy(data.astronaut()[60:131, 150:253].copy()).permute(2, 0, 1)[None].float() / 255


@pytest.fixture(scope="module")
def restorer(tiny_restorer: Path) -> Restorer:
    network = hub.load(str(tiny_restorer)).network
    assert isinstance(network, Restorer)
    return network


def test_it_is_the_mean_of_the_turned_views(restorer: Restorer, pixels: torch.Tensor) -> None:
    with torch.inference_mode():
        survey = restorer.survey(pixels)
        toned = restorer.tone(pixels, survey, WHOLE)
        made = repaired_in_views(restorer, toned, survey, None)
        views = [restorer.repaired(toned.flip(axes), survey).picture.flip(axes) for axes in FLIPS]
        once = restorer(pixels, survey, WHOLE)
    torch.testing.assert_close(made.picture, sum(views) / 4)
    torch.testing.assert_close(made.toned, once.toned)
    torch.testing.assert_close(views[0], once.picture)
    assert (made.picture - once.picture).abs().max() > 1e-4, "views differ, or nothing is gained"
    assert made.damage.shape == once.damage.shape and 0 <= made.damage.min() <= made.damage.max() <= 1


def test_a_mirrored_picture_comes_out_mirrored(restorer: Restorer, pixels: torch.Tensor) -> None:
    with torch.inference_mode():
        survey, even = restorer.survey(pixels), pixels[..., :64, :96]
        toned = restorer.tone(even, survey, WHOLE)
        one = repaired_in_views(restorer, toned, survey, None).picture
        other = repaired_in_views(restorer, toned.flip((2, 3)), survey, None).picture
    torch.testing.assert_close(one, other.flip((2, 3)), atol=2e-5, rtol=0)


def test_the_plan_asks_for_it(tiny_restorer: Path, pixels: torch.Tensor) -> None:
    picture = Picture.from_array((pixels[0].permute(1, 2, 0) * 255).byte().numpy())
    once, mean = (
        restore(picture, RestorePlan(model=str(tiny_restorer), precision="float32", self_ensemble=asked)).pixels
        for asked in (None, True)
    )
    assert (once - mean).abs().max() > 1e-4


def test_not_asked_for_is_one_job_with_the_plans_of_before() -> None:
    assert digest(RestorePlan(self_ensemble=False)) == digest(RestorePlan())
    assert digest(RestorePlan(self_ensemble=True)) != digest(RestorePlan())


@pytest.mark.parametrize("options", [{"stages": ("tone",)}, {"strength": 0.0}])
def test_a_mean_of_nothing_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(PlanError, match="self_ensemble is a mean of repairs") as told:
        RestorePlan(self_ensemble=True, **options)  # type: ignore[arg-type]
    assert "--self-ensemble" in str(told.value.remedy)
