"""The endless texture: any tile alone is the whole's, wrapped it repeats, its noise is noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from vasari.foundation.errors import PlanError
from vasari.models.cards import NETWORKS
from vasari.models.textures import TextureGenerator, Window, cell_noise, drawn, spans

SMALL = {"widths": (16, 12, 8, 8), "noise": 4, "waves": 2}


@pytest.fixture(scope="module")
def generator() -> TextureGenerator:
    torch.manual_seed(3)
    network = TextureGenerator(**SMALL)
    for norm in network.norms:  # as after some training, when they are no identities
        torch.nn.init.normal_(norm.weight, 1.0, 0.2)
        torch.nn.init.normal_(norm.running_mean, 0.0, 0.2)
    return network.eval()


def made(generator: TextureGenerator, window: Window, seed: int = 5) -> torch.Tensor:
    fields, phases = drawn(generator, window, seed)
    with torch.inference_mode():
        return generator(fields, window, phases)[0]


def test_a_window_has_the_size_asked_for_and_is_no_flat_grey(generator):
    pixels = made(generator, Window(-37, 1000, 51, 33))
    assert pixels.shape == (3, 51, 33)
    assert pixels.std() > 0.02


@pytest.mark.parametrize(("top", "left", "height", "width"), [(0, 0, 40, 56), (17, 23, 31, 70), (63, 5, 17, 9)])
def test_a_tile_is_a_part_of_the_whole(generator, top, left, height, width):
    whole = made(generator, Window(0, 0, 96, 96))
    tile = made(generator, Window(top, left, height, width))
    torch.testing.assert_close(tile, whole[:, top : top + height, left : left + width], atol=2e-5, rtol=0)


def test_a_tile_far_away_agrees_with_its_neighbor(generator):
    far = 10_000_000
    one, other = (made(generator, Window(far, -far + shift, 32, 64)) for shift in (0, 48))
    torch.testing.assert_close(one[:, :, 48:], other[:, :, :16], atol=2e-5, rtol=0)


def test_a_wrapped_field_repeats_exactly(generator):
    period = (96, 64)
    twice = made(generator, Window(0, 0, 2 * 96, 2 * 64, period))
    torch.testing.assert_close(twice[:, 96:], twice[:, :96], atol=2e-5, rtol=0)
    torch.testing.assert_close(twice[:, :, 64:], twice[:, :, :64], atol=2e-5, rtol=0)
    without = made(generator, Window(0, 0, 2 * 96, 2 * 64))
    assert (without[:, 96:] - without[:, :96]).abs().max() > 0.05


def test_what_lies_beyond_the_declared_halo_has_no_say():
    card = NETWORKS["texture-generator"]
    generator = card.build().eval()
    assert generator.halo == card.halo and generator.cell == card.multiple_of and generator.noise == card.channels[0]
    assert sum(one.numel() for one in generator.parameters()) <= 1_000_000
    window = Window(0, 0, 16, 16)
    fields, phases = drawn(generator, window, 1)
    beyond = -(-card.halo // generator.cell)
    assert fields[0].shape[2:] == (2 * beyond + 1, 2 * beyond + 1)
    # And the halo is no larger than it must be: the farthest cell is heard.
    with torch.inference_mode():
        before = generator(fields, window, phases)
        fields[0][:, :, 0] += 1.0
        assert (generator(fields, window, phases) - before).abs().max() > 0


def test_seeds_decide_everything(generator):
    window = Window(0, 0, 48, 48)
    assert torch.equal(made(generator, window, 1), made(generator, window, 1))
    assert (made(generator, window, 1) - made(generator, window, 2)).abs().mean() > 0.01


def test_spans_by_hand():
    # One stage: pixels 0..8 need -1..9 of full resolution; of its half -1..5, grown by the convolution to -2..6, and
    # by the stage's two to -4..8.
    assert spans(0, 8, 1) == [(-4, 8), (-1, 9)]


def test_noise_is_standard_normal_and_every_value_its_own():
    noise = cell_noise(7, 0, 4, (-50, 50), (1000, 1100)).double()
    assert stats.kstest(noise.numpy().ravel(), "norm").pvalue > 0.01
    flat = noise.flatten(1).numpy()
    assert np.abs(np.corrcoef(flat) - np.eye(4)).max() < 0.04
    for step in (noise[:, 1:] * noise[:, :-1], noise[:, :, 1:] * noise[:, :, :-1]):
        assert abs(step.mean()) < 0.03
    assert not torch.allclose(cell_noise(7, 1, 4, (-50, 50), (1000, 1100)).double(), noise)


def test_noise_is_addressed_by_place():
    whole = cell_noise(1, 2, 3, (-8, 8), (0, 16))
    assert torch.equal(cell_noise(1, 2, 3, (-3, 5), (4, 9)), whole[:, 5:13, 4:9])
    wrapped = cell_noise(1, 2, 3, (-4, 8), (0, 8), (4, 8))
    assert torch.equal(wrapped[:, :4], wrapped[:, 4:8]) and torch.equal(wrapped[:, 4:8], whole[:, 8:12, :8])


def test_too_few_widths_are_refused():
    with pytest.raises(PlanError, match="too few"):
        TextureGenerator(widths=(8, 8))
