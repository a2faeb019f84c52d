"""The objective of restoration: the tone stays while the repair learns, and options that mean nothing are refused."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from skimage import data

from vasari.foundation.errors import PlanError
from vasari.models.restorers import Restorer
from vasari.tasks.restore.examples import ExamplesPlan
from vasari.tasks.restore.objective import RestoreObjective, RestoreObjectivePlan


@pytest.mark.parametrize(("learn", "still"), [("repair", True), ("all", False)])
def test_the_curves_stand_still_while_the_repair_learns(tmp_path: Path, learn: str, still: bool) -> None:
    Image.fromarray(data.astronaut()[:160, :160]).save(tmp_path / "one.png")
    restorer = Restorer(widths=(16, 16, 16), depths=(1, 1, 1, 1, 1)).train()
    torch.nn.init.normal_(restorer.surveyor.moves.weight, std=0.05)
    objective = RestoreObjective(restorer, {}, (tmp_path,), RestoreObjectivePlan(learn=learn))
    objective.begin_step(1, 8)
    picture = torch.rand(1, 3, 64, 64)
    one, other = (restorer.survey(picture).slopes for _ in range(2))
    assert torch.equal(one, other) == still


def test_grey_pictures_are_for_thumbnails_alone() -> None:
    with pytest.raises(PlanError, match="grey has no meaning"):
        RestoreObjectivePlan(learn="repair", examples=ExamplesPlan(grey="folder"))
