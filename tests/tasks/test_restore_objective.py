"""The objective of restoration: the tone stays while the repair learns, and options that mean nothing are refused."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from skimage import data

from vasari.foundation.errors import PlanError
from vasari.models import hub
from vasari.models.detectors import Detector
from vasari.models.evidence import EVIDENCE
from vasari.models.restorers import Restorer
from vasari.tasks.recipe import read_recipe
from vasari.tasks.restore.examples import ExamplesPlan
from vasari.tasks.restore.objective import PAIR_WEIGHTS, RestoreObjective, RestoreObjectivePlan, build


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


def test_a_stilled_survey_changes_no_tone_while_the_repair_learns(tmp_path: Path) -> None:
    """As the recipe `denoise` begins: on the weights of a restorer whose own survey moves the picture far."""
    Image.fromarray(data.astronaut()[:160, :160]).save(tmp_path / "one.png")
    widths = {"widths": [16, 16, 16], "depths": [1, 1, 1, 1, 1]}
    begun = Restorer(**{name: tuple(sizes) for name, sizes in widths.items()})
    for layer in (begun.surveyor.moves, begun.surveyor.color, begun.surveyor.field):
        torch.nn.init.normal_(layer.weight, std=0.5)
    weights = hub.save(begun, tmp_path / "begun.safetensors", {"network": {"name": "restorer", "options": widths}})
    picture, window = torch.rand(1, 3, 64, 64), torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    assert not torch.allclose(begun.eval().tone(picture, begun.survey(picture), window), picture, atol=0.01)

    restore = read_recipe(
        "denoise",
        [f"objective.start_from={weights}", "objective.examples.region_px=96", "objective.examples.patch_px=32"],
    )
    objective = build(restore, (tmp_path,))
    restorer = objective.networks["restorer"]
    assert isinstance(restorer, Restorer)
    shown = objective.examples(0)
    batch = {name: torch.stack([shown[index][name] for index in range(2)]) for name in shown[0]}
    objective.begin_step(0, 0)
    optimizer = torch.optim.SGD([one for part in objective.turns[0].learners for one in part.parameters()], lr=0.1)
    objective.turns[0].losses(batch)["detail"].backward()
    optimizer.step()
    assert not torch.equal(restorer.head.weight, begun.head.weight)
    restorer.eval()
    torch.testing.assert_close(restorer.tone(picture, restorer.survey(picture), window), picture, atol=1e-5, rtol=0)


def test_a_detector_for_a_network_that_is_told_of_no_marks_is_refused(tmp_path: Path) -> None:
    Image.fromarray(data.astronaut()[:160, :160]).save(tmp_path / "one.png")
    recipe = read_recipe("restore", ["network.options.marked=false", "objective.detector=other"])
    with pytest.raises(PlanError, match="told of no marks") as caught:
        build(recipe, (tmp_path,))
    assert "network.options.marked" in caught.value.remedy


def test_the_repair_learns_from_pictures_whose_sure_marks_are_lifted_off(tmp_path: Path) -> None:
    """A network whose repair changes nothing is off by the scratch, unless its detector had it lifted off."""
    Image.fromarray(data.astronaut()[:160, :160]).save(tmp_path / "one.png")
    widths = {"widths": (16, 16, 16), "depths": (1, 1, 1, 1, 1)}
    restorer, detector = Restorer(**widths, marked=True), Detector(**widths)
    torch.nn.init.zeros_(restorer.tail.weight)
    torch.nn.init.constant_(restorer.surveyor.color.bias, 0.1)  # what moves a picture finds it aged
    clean = torch.full((1, 3, 64, 64), 0.4)
    aged, mask = clean.clone(), torch.zeros(1, 1, 64, 64)
    aged[..., 30:33, :], mask[..., 30:33, :] = 1.0, 1.0
    detector.forward = lambda pixels: 40 * (pixels.amin(1, keepdim=True) - 0.85)  # type: ignore[method-assign]
    thumbnails, evidence = torch.full((1, 1, 3, 48, 48), 0.4), torch.zeros(1, 1, EVIDENCE)
    batch = {"aged": aged, "clean": clean, "mask": mask, "window": torch.tensor([[0.0, 0.0, 1.0, 1.0]])}
    batch |= {"aged_thumbnails": thumbnails, "clean_thumbnails": thumbnails, "aged_evidence": evidence}
    detail = []
    for finds in (None, detector):
        objective = RestoreObjective(restorer, {}, (tmp_path,), RestoreObjectivePlan(learn="repair"), finds)
        with torch.no_grad():
            detail.append(float(objective.turns[0].losses(batch)["detail"]))
    assert detail[1] < detail[0] - 0.5


def test_a_stilled_survey_cannot_learn() -> None:
    with pytest.raises(PlanError, match="must not learn to"):
        RestoreObjectivePlan(learn="all", still=True)


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
