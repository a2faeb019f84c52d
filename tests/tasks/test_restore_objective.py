"""The objective of restoration: the tone stays while the repair learns, and options that mean nothing are refused."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from skimage import data

from vasari.foundation.errors import PlanError
from vasari.models.evidence import EVIDENCE
from vasari.models.restorers import Restorer
from vasari.tasks.restore.examples import ExamplesPlan
from vasari.tasks.restore.objective import PAIR_WEIGHTS, RestoreObjective, RestoreObjectivePlan


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


def test_a_print_that_grew_lighter_counts_more_than_one_that_grew_darker(tmp_path: Path) -> None:
    """A survey that moves nothing: the loss is the weighted mean of the two pairs' losses, each taken alone."""
    Image.fromarray(data.astronaut()[:160, :160]).save(tmp_path / "one.png")
    restorer = Restorer(widths=(16, 16, 16), depths=(1, 1, 1, 1, 1)).eval()
    objective = RestoreObjective(restorer, {}, (tmp_path,), RestoreObjectivePlan(learn="curves"))
    clean = torch.rand(1, 1, 3, 48, 48, generator=torch.Generator().manual_seed(0)) * 0.4 + 0.3

    def loss(*aged: torch.Tensor) -> float:
        evidence = torch.zeros(1, len(aged), EVIDENCE)
        batch = {
            "aged_thumbnails": torch.cat(aged, 1),
            "clean_thumbnails": clean.expand(-1, len(aged), -1, -1, -1),
            "aged_evidence": evidence,
        }
        return float(objective.turns[0].losses(batch)["quantiles"].detach())

    lighter, darker = clean + 0.2, clean - 0.1
    wanted = (PAIR_WEIGHTS["lighter"] * loss(lighter) + PAIR_WEIGHTS["darker"] * loss(darker)) / (
        PAIR_WEIGHTS["lighter"] + PAIR_WEIGHTS["darker"]
    )
    assert loss(lighter, darker) == pytest.approx(wanted, abs=1e-5)
    assert loss(clean, clean) == pytest.approx(loss(clean), abs=1e-5)
