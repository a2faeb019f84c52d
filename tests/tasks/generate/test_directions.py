"""Edit directions: what is measured is what is meant, and what is found moves what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import color
from skimage import data as photographs
from torch import Tensor

from vasari.foundation.errors import PlanError
from vasari.models.generators import Generator
from vasari.tasks.generate import codes
from vasari.tasks.generate.apply import load_generator
from vasari.tasks.generate.attributes import ATTRIBUTES, lab_of, measured
from vasari.tasks.generate.code_space import code_space, picture_components, regression_directions
from vasari.tasks.generate.directions import Explorer, groups_of, layers_of


def pictures() -> Tensor:
    """Three photographs of 96 px, in 0..1."""
    cuts = [getattr(photographs, name)()[:96, 100:196, :3] for name in ("astronaut", "coffee", "chelsea")]
    return torch.from_numpy(np.stack(cuts).transpose(0, 3, 1, 2) / 255.0).float()


def test_lab_is_that_of_scikit_image() -> None:
    shown = pictures()
    expected = np.stack([color.rgb2lab(one.permute(1, 2, 0).numpy()) for one in shown]).transpose(0, 3, 1, 2)
    assert np.abs(lab_of(shown).numpy() - expected).max() < 0.05


def test_attributes_tell_what_their_names_say() -> None:
    shown = pictures()
    grey = shown.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    middle = shown.mean((2, 3), keepdim=True)
    blurred = torch.nn.functional.avg_pool2d(shown, 5, 1, padding=2, count_include_pad=False)
    tint = torch.tensor([0.05, 0.0, -0.05])[:, None, None]
    for name, changed, other in (
        ("lightness", 0.5 + 0.5 * shown, shown),
        ("warmth", shown + tint, shown),
        ("contrast", shown, middle + 0.5 * (shown - middle)),
        ("saturation", shown, grey),
        ("texture", shown, blurred),
    ):
        at = list(ATTRIBUTES).index(name)
        more, less = measured(changed.clamp(0, 1))[:, at], measured(other.clamp(0, 1))[:, at]
        assert (more > less).all(), name
    lab = np.stack([color.rgb2lab(one.permute(1, 2, 0).numpy()) for one in shown])
    by_hand = [lab[..., 0].mean((1, 2)), lab[..., 2].mean((1, 2)), lab[..., 0].std((1, 2))]
    by_hand.append(np.hypot(lab[..., 1], lab[..., 2]).mean((1, 2)))
    np.testing.assert_allclose(measured(shown)[:, :4].numpy().T, by_hand, atol=0.05)


def test_principal_components_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    spread = np.array([5, 3, 2, 1, 0.5, 0.1])
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    points = (rng.standard_normal((3000, 6)) * spread) @ turn + 7
    space = code_space(torch.from_numpy(points).float().unflatten(1, (2, 3)))
    values, vectors = np.linalg.eigh(np.cov(points.T))
    np.testing.assert_allclose(space.deviations.numpy(), np.sqrt(values[::-1]), rtol=1e-3)
    np.testing.assert_allclose(space.explained.numpy(), values[::-1] / values.sum(), rtol=1e-3)
    cosines = np.abs((space.basis.flatten(1).numpy() * vectors.T[::-1]).sum(1))
    np.testing.assert_allclose(cosines, 1, atol=1e-4)
    white = space.whitened(torch.from_numpy(points).float().unflatten(1, (2, 3)))
    np.testing.assert_allclose(np.cov(white.numpy().T), np.eye(6), atol=1e-3)


def test_regression_finds_steps_that_move_one_value_and_not_the_others() -> None:
    rng = np.random.default_rng(1)
    points = rng.standard_normal((4000, 8)) * np.array([3, 2, 1, 1, 1, 1, 0.5, 0.5])
    slopes = rng.standard_normal((8, 3))
    values = points @ slopes + 0.05 * rng.standard_normal((4000, 3))
    found = torch.from_numpy(points).float()[:, None]
    space = code_space(found)
    steps, explained = regression_directions(space, found, torch.from_numpy(values).float())
    moved = steps[:, 0].numpy() @ slopes / values.std(0)
    assert (explained > 0.99).all()
    assert (np.diag(moved) > 0).all()
    off = moved - np.diag(np.diag(moved))
    assert np.abs(off).max() < 0.1 * np.diag(moved).min()
    # A step is one deviation of the codes long.
    lengths = np.sqrt((steps[:, 0].numpy() @ np.linalg.inv(np.cov(points.T)) * steps[:, 0].numpy()).sum(1))
    np.testing.assert_allclose(lengths, 1, atol=0.05)


def test_regression_owns_up_when_there_is_nothing_to_find() -> None:
    rng = np.random.default_rng(2)
    found = torch.from_numpy(rng.standard_normal((1000, 1, 8))).float()
    _, explained = regression_directions(code_space(found), found, torch.from_numpy(rng.standard_normal((1000, 2))))
    assert (explained < 0.05).all()


class Painter(Generator):
    """Codes whose meaning is known: 0 lightness, 1 blue to yellow, 2 fine stripes, the rest nothing."""

    def __init__(self, scale: tuple[float, ...]) -> None:
        super().__init__()
        self.latent, self.layers, self.px = 6, 3, 16
        self.scale = torch.nn.Parameter(torch.tensor(scale))

    def map(self, noise: Tensor) -> Tensor:
        return (noise * self.scale)[:, None].expand(-1, 3, -1)

    def paint(self, codes: Tensor) -> Tensor:
        light, tint, stripes = codes[:, 0, 0], codes[:, 1, 1], codes[:, 2, 2]
        base = (0.5 + 0.06 * light)[:, None, None, None].expand(-1, 3, 16, 16)
        color = torch.tensor([0.5, 0.5, -1.0])[:, None, None] * (0.05 * tint)[:, None, None, None]
        columns = torch.tensor([-1.0, 1.0]).repeat(8) * (0.05 + 0.015 * stripes)[:, None, None, None]
        return base + color + columns


def test_directions_of_a_generator_whose_codes_are_known() -> None:
    explorer = Explorer(Painter((1.0, 1.0, 1.0, 1.0, 1.0, 1.0)))
    for name, layer, place in (("lightness", 0, 0), ("warmth", 1, 1), ("texture", 2, 2)):
        found = explorer.find(name)
        summed = found.vector.sum(0) / 3  # all layers have the same code
        # Not quite alone: yellow is lighter than blue, and a warmth that leaves lightness must darken a little.
        assert float(summed[place] / summed.norm()) > 0.9
        assert found.steady == 1.0 and found.effects[name] > 2.5
        assert found.kind == "attribute" and found.moves == name
        # That a layer beside the one that shows it is moved too changes nothing.
        assert found.vector[layer, place] > 0
    assert explorer.find("lightness").side_effects < 0.2 and explorer.find("warmth").explained > 0.9


def test_components_are_named_after_what_they_move_and_point_to_more_of_it() -> None:
    explorer = Explorer(Painter((3.0, 2.0, 0.5, 0.4, 0.3, 0.2)))
    first, second, third = (explorer.find(f"component-{number}") for number in (1, 2, 4))
    assert first.name == "component-1-lightness" and first.moves == "lightness"
    assert float(first.vector[0, 0]) == pytest.approx(3.0, rel=0.05)
    assert second.moves == "warmth" and second.effects["warmth"] > 2.5
    assert third.name == "component-4" and third.moves == ""  # moves nothing that is seen
    assert first.explained > second.explained > third.explained
    assert explorer.find("component-1-lightness").name == first.name
    coarse, fine = explorer.find("component-1-coarse"), explorer.find("component-1-fine")
    assert coarse.name == "component-1-coarse-lightness" and fine.name == "component-1-fine"
    assert not coarse.vector[1:].any() and not fine.vector[:2].any()
    with pytest.raises(PlanError, match="not named so"):
        explorer.find("component-1-warmth")
    with pytest.raises(PlanError, match="no direction"):
        explorer.find("component-99")


def test_layers_are_grouped_from_coarse_to_fine() -> None:
    assert groups_of(1) == ("all",) and groups_of(2) == ("all", "coarse", "fine")
    for layers in range(2, 9):
        parts = torch.stack([layers_of(group, layers) for group in groups_of(layers)[1:]])
        assert (parts.sum(0) == 1).all() and (parts.sum(1) >= 1).all()
        assert parts[0, 0] == 1 and parts[-1, -1] == 1
        assert layers_of("all", layers).sum() == layers


@pytest.mark.parametrize("name", ["lightness", "warmth"])
def test_a_direction_found_by_regression_moves_its_attribute_steadily(name: str, tiny: Path) -> None:
    """On samples of another seed than those that it was found and checked on."""
    generator = load_generator(tiny)[0]
    found = Explorer(generator).find(name)
    noise = torch.cat([codes.noise_of(99, index, generator.latent) for index in range(12)])
    at_rest = codes.mapped(generator, noise)
    series = torch.stack(
        [
            measured(codes.painted(generator, codes.moved(at_rest, [(found.vector, amount)])))
            for amount in (-2.0, -1.0, 0.0, 1.0, 2.0)
        ]
    )
    own = series[..., list(ATTRIBUTES).index(name)]
    assert (own.diff(dim=0) > 0).float().mean() > 0.95
    assert found.steady > 0.9 and found.effects[name] == max(found.effects.values())


def test_components_of_a_generator_whose_codes_are_noise_come_from_its_pictures() -> None:
    rng = np.random.default_rng(3)
    noise = torch.from_numpy(rng.standard_normal((2000, 1, 5))).float()
    weights = torch.from_numpy(np.linalg.qr(rng.standard_normal((48, 5)))[0] * [5, 1, 3, 0.5, 0.1]).float()
    shown = (noise[:, 0] @ weights.T).unflatten(1, (3, 4, 4))
    vectors, shares = picture_components(noise, shown, 3)
    assert vectors.shape == (3, 1, 5)
    # The strongest directions of the pictures are known: noise 0, then 2, then 1.
    assert vectors[:, 0].abs().argmax(1).tolist() == [0, 2, 1]
    assert (vectors[:, 0].abs().amax(1) > 0.98).all()
    np.testing.assert_allclose(shares.numpy(), np.array([25, 9, 1]) / 35.26, rtol=0.1)


def test_directions_of_a_dcgan_are_found_and_the_same_every_time(tiny_dcgan: Path) -> None:
    generator = load_generator(tiny_dcgan)[0]
    explorer = Explorer(generator)
    assert explorer.names == (*ATTRIBUTES, *(f"component-{number}" for number in range(1, 9)))
    one, two = explorer.find("component-1"), Explorer(generator).find("component-1")
    assert torch.equal(one.vector, two.vector) and one.vector.shape == (1, 12)
    assert float(one.vector.norm()) == pytest.approx(1, abs=1e-5)
