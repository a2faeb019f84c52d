"""The method cnn trains through the one loop, on its own part alone, and is calibrated and saved as the others."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vasari.foundation.errors import PlanError
from vasari.models.backbones import read_backbone
from vasari.tasks.recipe import recipe_from
from vasari.tasks.recognize.fitting import train_recognizer
from vasari.tasks.recognize.labels import read_labeled
from vasari.tasks.recognize.objective import RecognizeObjective, build
from vasari.tasks.recognize.plan import RecognizePlan, SplitPlan
from vasari.tasks.recognize.recognizer import Recognizer

PX = 64


def test_cnn_learns_beyond_its_first_features_and_is_kept_in_its_run(
    gallery: Path, small_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    plan = RecognizePlan(
        method="cnn", features=str(small_encoder), px=PX, images=400, batch=8, learning_rate=2e-3, sure=0.0
    )
    found = train_recognizer(read_labeled(gallery), plan, SplitPlan(seed=1), run=tmp_path / "run")
    assert found.evaluation.scores["balanced_accuracy"] >= 0.7
    assert any("400 images" in note for note in found.notes)
    assert (tmp_path / "run" / "report.html").is_file() and not list(tmp_path.glob("*.csv"))
    network, before = found.recognizer.network, read_backbone(small_encoder).network
    moved = zip(network.features.network.parameters(), before.parameters(), strict=True)
    assert all(not torch.equal(one, other) for one, other in moved)
    path = found.recognizer.save(tmp_path / "cnn.safetensors")
    picture = found.test[0].path
    assert Recognizer.load(path).recognize(picture) == found.recognizer.recognize(picture)


def objective(source: Path, small_encoder: Path, **options: object) -> RecognizeObjective:
    pictures = {"px": 32, "stored_px": 48}
    values = {"features": str(small_encoder), "split": {"seed": 1}, "pictures": pictures, **options}
    recipe = recipe_from({"kind": "recognize", "train": {"images": 8}, "objective": values}, "test")
    return build(recipe, (source,))


def test_the_objective_shows_training_pictures_with_their_labels(
    gallery: Path, small_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = objective(gallery, small_encoder)
    examples = made.examples(seed=0)
    shown = [examples[index] for index in range(24)]
    assert all(one["pictures"].shape == (3, 32, 32) for one in shown)
    assert {int(one["labels"]) for one in shown} == {0, 1, 2}
    again = made.examples(seed=0)[7]
    assert torch.equal(again["pictures"], shown[7]["pictures"]) and again["labels"] == shown[7]["labels"]
    # A fresh classifier favors no class: the loss is the entropy of an even choice.
    batch = {key: torch.stack([one[key] for one in shown[:6]]) for key in shown[0]}
    loss = made.turns[0].losses(batch)["cross_entropy"]
    assert float(loss.detach()) == pytest.approx(float(torch.tensor(3.0).log()), abs=1e-5)
    with torch.no_grad():
        found = made.validate(made.networks)
    assert set(found.metrics) >= {"balanced_accuracy", "negative_log_likelihood"}


def test_wrong_options_are_told(gallery: Path, small_encoder: Path) -> None:
    with pytest.raises(PlanError, match="multiple of 16"):
        objective(gallery, small_encoder, pictures={"px": 40})
    recipe = recipe_from({"kind": "recognize", "objective": {"features": str(small_encoder)}}, "test")
    with pytest.raises(PlanError, match="2 sources"):
        build(recipe, (gallery, gallery))
