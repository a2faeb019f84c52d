"""Intervals by influence are the jackknife's, and FID bears its name only by the official weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from vasari.models.inception import InceptionV3
from vasari.tasks.evaluate import gathering, network
from vasari.tasks.evaluate.evaluating import evaluate
from vasari.tasks.evaluate.gathering import PictureSetFeatures
from vasari.tasks.evaluate.influence import Sampled, frechet_by_influence
from vasari.tasks.evaluate.intervals import jackknife_interval
from vasari.tasks.evaluate.moments import GROUPS, GroupedMoments, frechet
from vasari.tasks.evaluate.network import Comparer
from vasari.tasks.evaluate.plan import EvaluatePlan

WIDTH = 8


def drawn(count: int, seed: int, shift: float = 0.0, scale: float = 1.0) -> Tensor:
    mixing = torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(7), dtype=torch.float64) * scale
    noise = torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return noise @ mixing + shift


def sampled(features: Tensor, kept: int | None = None) -> Sampled:
    moments = GroupedMoments(WIDTH, groups=1)
    moments.add(features, torch.zeros(len(features), dtype=torch.int64))
    part = features[:kept]
    return Sampled(moments.moments(), len(features), part, torch.arange(len(part)) % GROUPS)


def grouped(features: Tensor) -> GroupedMoments:
    moments = GroupedMoments(WIDTH)
    moments.add(features, torch.arange(len(features)) % GROUPS)
    return moments


def width_of(value: float, left_out: list[list[float]]) -> float:
    interval = jackknife_interval(value, left_out)
    return interval.high - interval.low


@pytest.mark.parametrize("count", [100, 2000])
def test_influence_is_the_jackknife_to_first_order(count: int) -> None:
    real, made = drawn(count, 1), drawn(count, 2, shift=0.4, scale=1.3)
    exact, by_influence = (
        frechet(grouped(real), grouped(made)), frechet_by_influence(sampled(real), sampled(made)),
    )  # fmt: skip
    assert by_influence[0] == pytest.approx(exact[0], rel=1e-9)
    assert width_of(*by_influence) == pytest.approx(width_of(*exact), rel=0.05 if count == 2000 else 0.3)
    for ours, theirs in zip(by_influence[1], exact[1], strict=True):
        assert np.corrcoef(ours, theirs)[0, 1] > 0.98


def test_a_part_of_the_pictures_tells_the_width_for_all() -> None:
    widths = []
    for seed in range(12):
        real, made = drawn(3000, 10 + seed), drawn(3000, 50 + seed, shift=0.4)
        exact = width_of(*frechet(grouped(real), grouped(made)))
        widths.append(width_of(*frechet_by_influence(sampled(real, 600), sampled(made, 600))) / exact)
    assert 0.8 < np.mean(widths) < 1.25


def test_features_that_never_move_do_no_harm() -> None:
    real, made = drawn(200, 1), drawn(200, 2)
    real[:, 3], made[:, 3] = 1.0, 1.0
    value, left_out = frechet_by_influence(sampled(real), sampled(made))
    kept = [0, 1, 2, 4, 5, 6, 7]
    expected = frechet(
        _narrow(real[:, kept]), _narrow(made[:, kept])
    )[0]  # fmt: skip
    assert value == pytest.approx(expected, rel=1e-6)
    assert np.isfinite(left_out).all()


def _narrow(features: Tensor) -> GroupedMoments:
    moments = GroupedMoments(features.shape[1])
    moments.add(features, torch.arange(len(features)) % GROUPS)
    return moments


def test_wide_features_are_kept_together() -> None:
    found = PictureSetFeatures(GroupedMoments(4, groups=1), 10, np.random.default_rng(0))
    found.add(torch.randn(30, 4, generator=torch.Generator().manual_seed(0)))
    assert found.wide and found.count == 30 and found.sampled().count == 30
    assert len(found.groups) == 10 and found.groups.max() > 0


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn_network = InceptionV3()
        for module in drawn_network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.8, 1.6)
    path = tmp_path_factory.mktemp("weights") / "drawn.safetensors"
    save_file(drawn_network.state_dict(), path)
    return path


def test_inception_of_other_weights_is_not_called_fid(
    inception_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    for name in ("truth", "made"):
        (tmp_path / name).mkdir()
        for number in range(2):
            array = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
            Image.fromarray(array).save(tmp_path / name / f"{name}{number}.png")
    plan = EvaluatePlan(mode="sets", network=str(inception_file), cache=str(tmp_path / "cache"))
    (found,) = evaluate(tmp_path / "made", tmp_path / "truth", plan).methods
    digits = found.scores[0].metric.removeprefix("fid-inception-")
    names = {score.metric for score in found.scores}
    assert len(digits) == 8 and {f"kid-inception-{digits}", f"is-inception-{digits}"} <= names
    assert not {"fid", "kid", "is"} & names
    by_name = {score.metric.split("-")[0]: score for score in found.scores}
    assert np.isnan(by_name["fid"].value) and "too few" in by_name["fid"].protocol
    assert "not KID" in by_name["kid"].protocol and "as TensorFlow resizes" in by_name["kid"].protocol
    assert 1 <= by_name["is"].value < 2 and "not the Inception Score" in by_name["is"].protocol
    # Held to be the official one, it bears the true names (features come from the cache).
    monkeypatch.setattr(network, "is_official", lambda name, digest: True)
    (found,) = evaluate(tmp_path / "made", tmp_path / "truth", plan).methods
    names = {score.metric for score in found.scores}
    assert {"fid", "kid", "is", "precision-inception", "recall-inception"} <= names


def test_features_do_not_depend_on_how_far_ahead_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    pictures = {}
    for number in range(9):
        path = tmp_path / f"{number}.png"
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(path)
        pictures[str(number)] = path
    (tmp_path / "4.png").write_bytes(b"no picture")
    found = []
    for ahead, folder in ((0, "one"), (32, "two")):
        monkeypatch.setattr(gathering, "AHEAD", ahead)
        plan = EvaluatePlan(px=32, cache=str(tmp_path / folder))
        one = gathering.gathered(pictures, plan, Comparer.of_plan(plan), lambda done, all: None)
        assert [name for name, _ in one.failed] == ["4"]
        found.append(one.features)
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)


def test_bfloat16_is_told_and_kept_apart(tmp_path: Path) -> None:
    plan = EvaluatePlan(px=64)
    half = EvaluatePlan(px=64, precision="bfloat16")
    comparers = Comparer.of_plan(plan), Comparer.of_plan(half)
    assert gathering.cache_key(plan, comparers[0]) != gathering.cache_key(half, comparers[1])
    squares = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    exact, near = (one.features(squares) for one in comparers)
    assert near.dtype == torch.float32
    assert 0 < float((exact - near).norm() / exact.norm()) < 0.02
