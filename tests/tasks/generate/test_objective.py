"""Training a generator: every loss and penalty moves both players, the plan is obeyed, samples are judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data as photographs

from vasari.foundation.errors import PlanError, TrainingError
from vasari.foundation.plans import from_dict
from vasari.foundation.runs import RunFolder
from vasari.models import hub
from vasari.models.augmentation import AUGMENTATIONS
from vasari.models.generators import Generator
from vasari.models.losses import CRITIC_LOSSES, GENERATOR_LOSSES
from vasari.tasks.generate.judge import Judge, sampled
from vasari.tasks.generate.objective import GenerateObjective, build
from vasari.tasks.generate.plan import AUGMENTATION_KINDS, KINDS, PENALTIES, GeneratePlan
from vasari.tasks.recipe import read_recipe, train_recipe

SMALL = (
    "train.images=24",
    "train.batch=4",
    "train.precision=float32",
    "train.log_every_steps=1",
    "objective.judged_samples=12",
    "objective.pictures.px=16",
    "objective.pictures.stored_px=32",
)
SMALL_RESIDUAL = (*SMALL, "network.options.widths=[8, 8]", "objective.critic.widths=[8, 8]")
SMALL_DCGAN = (*SMALL, "network.options.px=16", "network.options.width=8", "objective.critic.width=8")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen small pictures, cut from three photographs."""
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("astronaut", "coffee", "chelsea"):
        whole = getattr(photographs, name)()
        for number in range(6):
            corner = 40 * number
            Image.fromarray(whole[corner : corner + 60, corner : corner + 90]).save(folder / f"{name}{number}.png")
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def objective(pictures: Path, *settings: str, recipe: str = "rpgan") -> GenerateObjective:
    small = SMALL_RESIDUAL if recipe == "rpgan" else SMALL_DCGAN
    return build(read_recipe(recipe, (*small, *settings)), (pictures,))


def batch(count: int = 4) -> dict[str, torch.Tensor]:
    return {"pictures": torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(0))}


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_loss_and_penalty_reaches_both_players(kind: str, penalty: str, pictures: Path) -> None:
    settings = (f"objective.adversarial={kind}", f"objective.penalty={penalty}", "objective.penalty_every=1")
    if (kind, penalty) == ("wgan", "none"):
        with pytest.raises(PlanError, match="bounded slope"):
            objective(pictures, *settings)
        return
    made = objective(pictures, *settings)
    torch.manual_seed(0)
    for turn in made.turns:
        terms = turn.losses(batch())
        assert ("penalty" in terms) == (turn.name == "critic" and penalty not in ("none", "clip"))
        total = torch.stack([made.weights[name] * one for name, one in terms.items()]).sum()
        moved = torch.autograd.grad(total, [*turn.learners[0].parameters()], allow_unused=True)
        silent = [one for one in moved if one is None or not bool(one.abs().sum() > 0)]
        # A bias that adds the same to real and made is cancelled where the loss takes their difference.
        assert all(one is not None and one.ndim == 1 for one in silent) and len(silent) <= 2


def test_penalties_come_every_nth_step_and_count_as_often(pictures: Path) -> None:
    made = objective(pictures, "objective.penalty_every=3")
    critic = made.turns[0]
    values = []
    for step in range(4):
        made.begin_step(step, 0)
        torch.manual_seed(0)
        values.append(critic.losses(batch()).get("penalty"))
    assert values[1] is None and values[2] is None
    always = objective(pictures, "objective.penalty_every=1")
    always.networks["critic"].load_state_dict(made.networks["critic"].state_dict())
    always.networks["generator"].load_state_dict(made.networks["generator"].state_dict())
    torch.manual_seed(0)
    single = always.turns[0].losses(batch())["penalty"]
    torch.testing.assert_close(values[0], 3 * single)
    torch.testing.assert_close(values[3], 3 * single)


def test_clipping_keeps_every_weight_of_the_critic_small(pictures: Path) -> None:
    made = objective(pictures, "objective.clip=0.02", recipe="wgan")
    weights = [*made.networks["critic"].parameters()]
    made.begin_step(1, 4)
    assert max(float(one.detach().abs().max()) for one in weights) <= 0.02
    with torch.no_grad():
        weights[0].add_(1.0)  # as the critic's own step may do
    made.turns[1].losses(batch())
    assert max(float(one.detach().abs().max()) for one in weights) <= 0.02


def test_the_plans_names_are_those_of_the_tables() -> None:
    assert set(KINDS) == set(CRITIC_LOSSES) == set(GENERATOR_LOSSES)
    assert AUGMENTATION_KINDS == tuple(AUGMENTATIONS)


@pytest.mark.parametrize("penalty", ["r1", "r1r2", "wgan-gp"])
def test_a_penalty_a_picture_and_a_norm_over_the_batch_are_refused_together(penalty: str, pictures: Path) -> None:
    with pytest.raises(PlanError, match="batch-normalized"):
        objective(pictures, f"objective.penalty={penalty}", recipe="dcgan")


def test_augmentation_rises_over_its_ramp() -> None:
    plan = GeneratePlan(augment=0.6, augment_ramp_images=1000)
    assert [plan.augment_share(seen) for seen in (0, 500, 1000, 5000)] == [0.0, 0.3, 0.6, 0.6]
    assert GeneratePlan(augment=0.6).augment_share(0) == 0.6


def test_the_balance_is_the_share_of_pairs_that_the_critic_tells_apart(pictures: Path) -> None:
    made = objective(pictures)

    class Lightness(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return pixels.mean((1, 2, 3))

    made._critic = Lightness()  # type: ignore[assignment]
    made._made = lambda count: torch.full((count, 3, 16, 16), 0.5)  # type: ignore[method-assign]
    light = torch.tensor([0.9, 0.8, 0.1, 0.7])[:, None, None, None].expand(4, 3, 16, 16)
    assert float(made._critic_losses({"pictures": light})["balance"]) == 0.75


def test_samples_are_judged_against_the_training_pictures(pictures: Path) -> None:
    made = objective(pictures)
    plan = read_recipe("rpgan", SMALL_RESIDUAL).objective
    judge = Judge.of(made._pictures, from_dict(GeneratePlan, {**plan, "judged_samples": 20}))

    class Copier(Generator):
        latent, layers, px = 4, 1, 16

        def map(self, noise: torch.Tensor) -> torch.Tensor:
            return noise[:, None]

        def paint(self, codes: torch.Tensor) -> torch.Tensor:
            return judge.pictures[: len(codes)] + 0 * self.weight

    copier = Copier()
    copier.weight = torch.nn.Parameter(torch.zeros(1))
    copied = judge.judge(copier)
    assert copied.metrics["nearest"] == pytest.approx(0.0, abs=1e-6) and copied.metrics["coverage"] > 0.9
    torch.testing.assert_close(copied.pictures["nearest"][0], copied.pictures["nearest"][1])
    fresh = judge.judge(made.networks["generator"].eval())  # type: ignore[arg-type]
    assert fresh.metrics["kernel_distance"] > copied.metrics["kernel_distance"]
    assert fresh.metrics["coverage"] < copied.metrics["coverage"]


def test_samples_depend_on_their_seed_alone(pictures: Path) -> None:
    generator: Any = objective(pictures).networks["generator"]
    assert torch.equal(sampled(generator, 3, 5), sampled(generator, 3, 5))
    assert not torch.equal(sampled(generator, 3, 5), sampled(generator, 3, 6))
    assert float(sampled(generator, 3, 5).min()) >= 0 and float(sampled(generator, 3, 5).max()) <= 1


def test_pictures_are_aged_where_an_era_is_named(pictures: Path) -> None:
    plain = objective(pictures).examples(3)[0]["pictures"]
    aged = objective(pictures, "objective.era=albumen").examples(3)[0]["pictures"]
    again = objective(pictures, "objective.era=albumen").examples(3)[0]["pictures"]
    assert torch.equal(aged, again) and float((aged - plain).abs().mean()) > 0.02
    # An albumen print is brown: red above blue, whatever its subject was.
    assert float(aged[0].mean()) > float(aged[2].mean()) + 0.02
    with pytest.raises(PlanError, match="era=stone"):
        objective(pictures, "objective.era=stone").examples(3)


def test_a_model_that_was_trained_is_loaded_and_samples(pictures: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    assert train_recipe("rpgan", (pictures,), run.path, SMALL_RESIDUAL)["finished"]
    loaded = hub.load(run.path / "last.safetensors")
    assert loaded.recipe["task"] == "generate" and loaded.recipe["px"] == 16
    assert isinstance(loaded.network, Generator)
    assert sampled(loaded.network, 2, 0).shape == (2, 3, 16, 16)
    names = {path.name.split("-", 1)[1] for path in (run.path / "pictures").iterdir()}
    assert names == {"samples.png", "nearest.png"}
    told = [line for line in run.read_log() if "critic.balance" in line]
    assert len(told) == 6 and all(np.isfinite(line["critic.total"]) for line in told)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        (("objective.pictures.px=32", "objective.pictures.stored_px=32"), "makes pictures of 16 px"),
        (("objective.critic.widths=[8, 8, 8]",), "critic"),
        (("objective.colour=1",), "unknown key 'colour'"),
        (("network.name=restorer", "network.options={}"), "no generator"),
    ],
)
def test_what_does_not_fit_is_refused(settings: tuple[str, ...], match: str, pictures: Path) -> None:
    with pytest.raises(PlanError, match=match):
        objective(pictures, *settings)


def test_a_batch_of_more_pictures_than_there_are_is_refused(pictures: Path) -> None:
    with pytest.raises(PlanError, match=r"train\.batch=19 is more than the 18 pictures"):
        objective(pictures, "train.batch=19")


def test_an_empty_folder_and_one_picture(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TrainingError, match="No picture"):
        objective(empty)
    Image.new("RGB", (20, 20), "red").save(empty / "one.png")
    with pytest.raises(PlanError, match="one picture"):
        objective(empty)
