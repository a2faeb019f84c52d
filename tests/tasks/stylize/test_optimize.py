"""Optimized stylization: it nears the style, keeps the content, and gives the same in tiles as in one piece."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vasari.foundation.errors import PictureError, PlanError, WeightsError
from vasari.foundation.plans import from_dict
from vasari.models import hub
from vasari.models.encoders import Encoder
from vasari.models.losses_style import NORMALIZATIONS
from vasari.tasks.stylize.optimize import plan as plans
from vasari.tasks.stylize.optimize.losses import Region, ScaleLosses
from vasari.tasks.stylize.optimize.networks import Judge, features_for, judge
from vasari.tasks.stylize.optimize.plan import OptimizePlan
from vasari.tasks.stylize.optimize.run import Progress, Stop, optimize, scales
from vasari.tasks.stylize.optimize.statistics import STATISTICS, Seen, SlicedStatistic, pixel_filters

QUICK = OptimizePlan(steps=12, coarsest_px=48, phases=1)


@pytest.fixture(scope="module")
def small() -> Judge:
    """A fresh encoder of few channels: random features make a fair judge of statistics."""
    torch.manual_seed(0)
    return judge(Encoder((8, 12, 16, 16), (1, 1, 1, 1)).eval().requires_grad_(False), "small", "0" * 64)


@pytest.fixture(scope="module")
def content() -> torch.Tensor:
    """A smooth scene: a bright disc on a slope."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 80), indexing="ij")
    disc = ((x.square() + y.square()) < 0.3).float()
    return torch.stack([0.3 + 0.5 * disc, 0.4 + 0.2 * y, 0.5 + 0.2 * x]).clamp(0, 1)


@pytest.fixture(scope="module")
def stripes() -> torch.Tensor:
    """Slanting stripes of two colors."""
    y, x = torch.meshgrid(torch.arange(72.0), torch.arange(64.0), indexing="ij")
    wave = 0.5 + 0.5 * torch.sin(0.9 * (x + y))
    return torch.stack([wave, 0.2 + 0.3 * wave, 1 - wave])


def _losses(small: Judge, plan: OptimizePlan, content: torch.Tensor, *regions: Region) -> ScaleLosses:
    statistic = STATISTICS[plan.loss](plan.normalization, torch.Generator().manual_seed(0))
    return ScaleLosses(small, plan, content[None], regions, statistic)


@pytest.mark.parametrize("loss", plans.STYLE_LOSSES)
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_every_loss_falls_with_both_optimizers(loss, optimizer, small, content, stripes) -> None:
    made = optimize(content, [(stripes, 1.0)], replace(QUICK, loss=loss, optimizer=optimizer), judge=small)
    assert made.pixels.shape == content.shape and 0 <= made.pixels.min() and made.pixels.max() <= 1
    assert (made.network, made.digest, made.stopped) == ("small", "0" * 64, False)
    last = made.curve[-1]
    assert made.losses["total"] == min(last) < 0.75 * made.curve[0][0]
    assert made.steps == sum(len(one) for one in made.curve) == 12 + 7


def test_the_tables_of_the_plan_are_those_of_the_losses() -> None:
    assert tuple(STATISTICS) == plans.STYLE_LOSSES
    assert tuple(NORMALIZATIONS) == plans.NORMALIZATIONS


def test_equal_arguments_give_equal_bytes_and_another_seed_does_not(small, content, stripes) -> None:
    plan = replace(QUICK, start="noise", loss="wasserstein", optimizer="adam", steps=4)
    one, two = (optimize(content, [(stripes, 1.0)], plan, judge=small).pixels for _ in range(2))
    other = optimize(content, [(stripes, 1.0)], replace(plan, seed=1), judge=small).pixels
    assert torch.equal(one, two) and not torch.equal(one, other)


@pytest.mark.parametrize("phases", [1, 3])
@pytest.mark.parametrize("loss", plans.STYLE_LOSSES)
def test_tiles_have_the_losses_and_the_gradient_of_the_whole(loss, phases, small, monkeypatch) -> None:
    monkeypatch.setattr("vasari.tasks.stylize.optimize.statistics.MOST_PLACES", 1 << 20)
    generator = torch.Generator().manual_seed(3)
    content, style = (torch.rand(3, *size, generator=generator) for size in ((208, 240), (96, 130)))
    guide = torch.zeros(1, 1, 208, 240)
    guide[..., :100] = 1.0
    regions = (Region(guide, ((style[None], 1.0),), 0.4), Region(None, ((style[None].flip(3), 2.0),), 0.6))
    found = []
    for tile_px in (1024, 128):
        plan = OptimizePlan(loss=loss, phases=phases, tile_px=tile_px)
        pixels = (0.8 * content[None] + 0.1).requires_grad_(True)
        losses = _losses(small, plan, content, *regions)
        terms = losses.terms(pixels)
        losses.total(terms).backward()
        found.append((torch.stack(list(terms.values())).detach(), pixels.grad))
    torch.testing.assert_close(found[1][0], found[0][0], rtol=1e-4, atol=1e-7)
    scale = float(found[0][1].abs().mean())
    assert float((found[1][1] - found[0][1]).abs().mean()) < 1e-3 * scale


def test_sampled_places_stay_the_same_on_the_way_back(small, monkeypatch) -> None:
    """Of large pictures places are drawn: the gradient of the tiles must belong to the losses they gave."""
    monkeypatch.setattr("vasari.tasks.stylize.optimize.statistics.MOST_PLACES", 300)
    generator = torch.Generator().manual_seed(4)
    content, style = torch.rand(3, 192, 192, generator=generator), torch.rand(3, 96, 96, generator=generator)
    plan = OptimizePlan(loss="wasserstein", phases=1, tile_px=96, content_weight=0.0, grain_weight=0.0)
    losses = _losses(small, plan, content, Region(None, ((style[None], 1.0),), 1.0))
    pixels = content[None].clone().requires_grad_(True)
    before = losses.terms(pixels)["style"]
    (gradient,) = torch.autograd.grad(before, pixels)
    step = 2.0
    after = losses.terms(pixels.detach() - step * gradient)["style"]
    predicted = step * float(gradient.square().sum())
    assert float(before.detach() - after) == pytest.approx(predicted, rel=0.1)


def test_a_mask_keeps_a_style_to_its_place(small, content, stripes) -> None:
    """Stripes on the left, the content's own manner on the right."""
    mask = torch.zeros(1, 64, 80)
    mask[..., :40] = 1.0
    plan = replace(QUICK, steps=40, content_weight=0.005)
    shares = []
    for there in (mask, 1 - mask):
        made = optimize(content, [(stripes, 1.0), (content, 1.0)], plan, masks=[there, None], judge=small)
        unrest = made.pixels.diff(dim=2).abs().mean((0, 1))
        shares.append(float(unrest[:36].mean() / unrest[44:].mean()))
    assert shares[0] > 2 and shares[1] < 0.7


def test_two_styles_are_mixed_by_their_weights(small, content, stripes) -> None:
    """Losses of the statistic that lies between: the mean of two Gram matrices is zero away from itself alone."""
    plan = OptimizePlan(phases=1, content_weight=0.0, grain_weight=0.0, variation_weight=0.0)
    flat = torch.full_like(stripes, 0.4)
    both = Region(None, ((stripes[None], 3.0), (flat[None], 1.0)), 1.0)
    mixed, one, other = (
        _losses(small, plan, content, region)._targets[0]
        for region in (both, Region(None, both.styles[:1], 1.0), Region(None, both.styles[1:], 1.0))
    )
    for a, b, c in zip(mixed, one, other, strict=True):
        torch.testing.assert_close(a, 0.75 * b + 0.25 * c)


def test_depth_weights_are_those_of_the_formula(small, content, stripes) -> None:
    """Of one depth alone the style is its own Gram distance by the formula, over the target's."""
    plan = OptimizePlan(phases=1, depth_weights=(0.0, 2.0, 0.0, 0.0))
    losses = _losses(small, plan, content, Region(None, ((stripes[None], 1.0),), 1.0))
    sizes = ((content, 16, 20), (stripes, 18, 16))  # a quarter; what the encoder fills up is no part of it
    made, style = (small.features(one[None])[1][0, :, :h, :w].flatten(1).double().numpy() for one, h, w in sizes)
    g, a = (one @ one.T / one.shape[1] for one in (made, style))
    found = losses.terms(content[None])["style"].item()
    assert found == pytest.approx(((g - a) ** 2).sum() / (a**2).sum(), rel=1e-3)


def test_moments_and_their_distance_are_those_of_numpy() -> None:
    made, style = (np.random.default_rng(seed).normal(0.3, 1.0, (3, 40)).astype(np.float32) for seed in (6, 7))
    statistic = STATISTICS["moments"]("gatys", torch.Generator())
    parts = [
        [statistic.part(Seen(torch.from_numpy(half), None)) for half in np.split(one, 2, 1)] for one in (made, style)
    ]
    found = statistic.distance(*(statistic.joined(one, 40.0) for one in parts))
    expected = ((made.mean(1) - style.mean(1)) ** 2).mean() + ((made.std(1) - style.std(1)) ** 2).mean()
    assert float(found) == pytest.approx(float(expected), rel=1e-3)


def test_the_sliced_distance_and_its_pull_by_hand() -> None:
    """Sorted 0, 2, 5 against 1, 2, 9: (1 + 0 + 16)/3, whatever the order, and each is drawn to that of its rank."""
    statistic = SlicedStatistic(torch.Generator().manual_seed(0))
    statistic.draw()
    made, style = torch.tensor([[5.0, 0.0, 2.0]], requires_grad=True), torch.tensor([[2.0, 9.0, 1.0]])
    sign = statistic._basis(1)[0, 0]  # the one axis there is, forward or back
    assert abs(float(sign)) == pytest.approx(1.0)
    ordered = (sign * style).sort().values
    found = statistic.distance(statistic.part(Seen(made, None)), ordered)
    assert float(found.detach()) == pytest.approx(17 / 3, rel=1e-5)
    found.backward()
    torch.testing.assert_close(made.grad, 2 / 3 * torch.tensor([[5.0 - 9.0, 0.0 - 1.0, 0.0]]))


def test_the_sliced_distance_of_many_channels_as_scipy_has_it() -> None:
    statistic = SlicedStatistic(torch.Generator().manual_seed(0))
    statistic.draw()
    made, style = (torch.randn(4, 50, generator=torch.Generator().manual_seed(seed)) for seed in (8, 9))
    projected = [statistic.part(Seen(one, None)) for one in (made, 2 * style)]
    torch.testing.assert_close(statistic._basis(4) @ statistic._basis(4).T, torch.eye(4), atol=1e-5, rtol=0)
    found = statistic.distance(projected[0], projected[1].sort(1).values)
    expected = np.mean([(np.sort(a) - np.sort(b)) ** 2 for a, b in zip(*(one.numpy() for one in projected))])
    assert float(found) == pytest.approx(float(expected), rel=1e-4)


def test_the_total_is_the_sum_that_is_documented(small, content, stripes) -> None:
    """The terms and weights of docs/stylize-optimize.md, for pixels that leave 0..1."""
    plan = OptimizePlan(phases=1, content_weight=0.5, grain_weight=0.25, variation_weight=0.125)
    losses = _losses(small, plan, content, Region(None, ((stripes[None], 1.0),), 1.0))
    pixels = 2 * content[None] - 0.5
    terms = losses.terms(pixels)
    over = np.maximum(pixels.numpy() - 1, 0) ** 2 + np.maximum(-pixels.numpy(), 0) ** 2
    assert over.mean() > 0
    assert float(terms["range"]) == pytest.approx(float(over.mean()), rel=1e-4)
    weights = {"style": 1, "content": 0.5, "grain": 0.25, "variation": 0.125, "range": 20}
    expected = sum(weight * float(terms[name]) for name, weight in weights.items())
    assert set(terms) == set(weights) and float(losses.total(terms)) == pytest.approx(expected, rel=1e-5)


def test_the_finest_pixels_are_held_by_filters_that_see_all_of_a_patch(stripes) -> None:
    """24 orthonormal filters and the patch's three means: its energy is theirs; flat colors have none."""
    found = pixel_filters(stripes[None])[0]
    patch = stripes[:, 10:13, 20:23]
    changing = patch - patch.mean((1, 2), keepdim=True)
    assert float(found[:, 11, 21].square().sum()) == pytest.approx(float(changing.square().sum()), rel=1e-4)
    assert float(pixel_filters(torch.full((1, 3, 9, 9), 0.7)).abs().max()) < 1e-6


def test_it_is_watched_and_can_be_ended_with_the_best_so_far(small, content, stripes) -> None:
    seen: list[Progress] = []

    def watch(progress: Progress) -> bool:
        seen.append(progress)
        return len(seen) == 5

    made = optimize(content, [(stripes, 1.0)], replace(QUICK, coarsest_px=40), judge=small, watch=watch)
    assert made.stopped and made.steps == 5 and made.pixels.shape == content.shape
    assert [one.step for one in seen] == [1, 2, 3, 4, 5] and {one.scales for one in seen} == {2}
    assert seen[0].pixels.shape == (3, 32, 40) and 0 < seen[0].share < seen[-1].share < 1
    assert made.losses["total"] == min(one.losses["total"] for one in seen)

    def raising(progress: Progress) -> None:
        if progress.scale == 2:
            raise Stop

    assert optimize(content, [(stripes, 1.0)], replace(QUICK, coarsest_px=40), judge=small, watch=raising).stopped


def test_it_goes_from_coarse_to_fine() -> None:
    assert scales(768, 1024, 128) == [(96, 128), (192, 256), (384, 512), (768, 1024)]
    assert scales(2160, 3840, 256)[0] == (135, 240) and scales(2160, 3840, 256)[-1] == (2160, 3840)
    assert scales(40, 4000, 128) == [(40, 4000)]  # a strip is not reduced below 32 px
    assert scales(64, 80, 512) == [(64, 80)]


def test_what_cannot_be_worked_with_is_refused(small, content, stripes) -> None:
    with pytest.raises(PictureError, match="1×1"):
        optimize(torch.rand(3, 1, 1), [(stripes, 1.0)], QUICK, judge=small)
    with pytest.raises(PictureError, match="style 1"):
        optimize(content, [(torch.rand(1, 64, 64), 1.0)], QUICK, judge=small)
    with pytest.raises(PlanError, match="one style or more"):
        optimize(content, [], QUICK, judge=small)
    with pytest.raises(PictureError, match="mask"):
        optimize(content, [(stripes, 1.0)], QUICK, masks=[torch.ones(1, 8, 8)], judge=small)
    with pytest.raises(PictureError, match="empty"):
        optimize(content, [(stripes, 1.0)], QUICK, masks=[torch.zeros(1, 64, 80)], judge=small)
    with pytest.raises(PlanError, match="4 depths"):
        optimize(content, [(stripes, 1.0)], replace(QUICK, depth_weights=(1.0, 1.0)), judge=small)
    with pytest.raises(PlanError, match="depth_weights"):
        OptimizePlan(depth_weights=(0.0, 0.0))


def test_networks_are_named_with_their_digest(tmp_path: Path) -> None:
    encoder = Encoder((8, 8, 8, 8), (1, 1, 1, 1))
    options = {"widths": [8, 8, 8, 8], "depths": [1, 1, 1, 1]}
    path = hub.save(encoder, tmp_path / "mine.safetensors", {"network": {"name": "encoder", "options": options}})
    found = features_for(OptimizePlan(network=str(path)))
    assert (found.name, found.digest, found.strides) == ("mine", hub.digest(path), (2, 4, 8, 16))

    shapes = {"conv0": (3, 3, 1), "conv11": (4, 3, 3), "conv21": (6, 4, 3)}
    state = {f"{name}.weight": torch.randn(a, b, k, k) for name, (a, b, k) in shapes.items()}
    save_file(state, tmp_path / "vgg.safetensors")
    found = features_for(OptimizePlan(network=str(tmp_path / "vgg.safetensors")))
    assert (found.name, found.strides) == ("vgg", (1, 2))

    for name in ("vgg19", "restore-faithful", str(tmp_path / "none.safetensors")):
        with pytest.raises(WeightsError):
            features_for(OptimizePlan(network=name))
    (tmp_path / "torn.safetensors").write_bytes(b"torn")
    with pytest.raises(WeightsError, match="no whole"):
        features_for(OptimizePlan(network=str(tmp_path / "torn.safetensors")))


def test_a_plan_comes_from_a_table() -> None:
    plan = from_dict(OptimizePlan, {"loss": "moments", "depth_weights": [1, 0.5]}, where="recipe")
    assert plan.depth_weights == (1.0, 0.5)
    assert np.isclose(plan.content_weight, OptimizePlan().content_weight)
