"""The restorer: identity at birth, one survey for every tile, tone kept on request."""

import pytest
import torch

from vasari.models.cards import NETWORKS
from vasari.models.restorers import Restorer
from vasari.models.surveyor import Survey


def lively(seed: int = 0, widths=(16, 24, 32)) -> Restorer:
    """A small restorer whose tone pass and U-Net both do something."""
    torch.manual_seed(seed)
    net = Restorer(widths=widths).eval()
    with torch.no_grad():
        for layer in (net.surveyor.color, net.surveyor.field):
            layer.weight.normal_(std=0.06)
        along = torch.linspace(-1, 1, 24)  # moves that change smoothly from shadows to lights, as fading does
        basis = torch.stack([torch.ones(24), along, along.square()])
        moves = torch.einsum("bq,cbh->cqh", basis, 0.015 * torch.randn(3, 3, 512))
        net.surveyor.moves.weight.copy_(moves.flatten(0, 1))
        net.tail.weight.mul_(30)
    return net


WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])


def test_a_fresh_restorer_hardly_changes_a_picture():
    torch.manual_seed(0)
    net, picture = Restorer().eval(), torch.rand(1, 3, 96, 128)
    with torch.inference_mode():
        made = net(picture, net.survey(picture), WHOLE).picture
    assert (made - picture).abs().max() < 0.05


@pytest.mark.parametrize("size", [(96, 96), (97, 131), (200, 103)])
def test_any_size_comes_back_in_its_size(size):
    net, picture = lively(), torch.rand(2, 3, *size)
    with torch.inference_mode():
        made = net(picture, net.survey(picture), WHOLE.expand(2, 4))
    assert made.picture.shape == made.toned.shape == picture.shape
    assert made.damage.shape == (2, 1, *size)
    assert 0 <= made.damage.min() <= made.damage.max() <= 1


def test_tone_of_a_tile_equals_the_same_place_of_the_whole():
    net, picture = lively(1), torch.rand(1, 3, 120, 160)
    with torch.inference_mode():
        survey = net.survey(picture)
        whole = net.tone(picture, survey, WHOLE)
        window = torch.tensor([[40 / 120, 80 / 160, 100 / 120, 144 / 160]])
        tile = net.tone(picture[:, :, 40:100, 80:144], survey, window)
    torch.testing.assert_close(tile, whole[:, :, 40:100, 80:144], atol=2e-5, rtol=0)
    assert (whole - picture).abs().max() > 0.05, "the tone pass of this test must do something"


def test_curves_are_monotone():
    net = lively(2)
    with torch.inference_mode():
        survey = net.survey(torch.rand(4, 3, 96, 96))
    assert (survey.slopes > 0).all()


def test_one_survey_for_pictures_of_a_batch_is_each_picture_s_own():
    net, pictures = lively(3), torch.rand(3, 3, 96, 96)
    with torch.inference_mode():
        together = net(pictures, net.survey(pictures), WHOLE.expand(3, 4)).picture
        alone = [net(one[None], net.survey(one[None]), WHOLE).picture for one in pictures]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-4)


def test_keeping_the_tone_undoes_the_tone_pass_around_a_repair():
    net, picture = lively(4), 0.2 + 0.6 * torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        survey = net.survey(torch.rand(1, 3, 96, 96))
        toned = net.tone(picture, survey, WHOLE)
        wanted = picture.clone()
        wanted[:, :, 20:30, 20:30] += 0.02
        kept = net.keep_tone(picture, toned, net.tone(wanted, survey, WHOLE), survey, WHOLE)
    untouched = torch.ones(64, 64, dtype=torch.bool)
    untouched[20:30, 20:30] = False
    torch.testing.assert_close(kept[..., untouched], picture[..., untouched], atol=1e-5, rtol=0)
    before = (picture - wanted)[..., ~untouched].abs().mean()
    assert (kept - wanted)[..., ~untouched].abs().mean() < 0.35 * before


def test_a_survey_moves_as_one():
    net = lively()
    survey = net.survey(torch.rand(1, 3, 96, 96)).map(torch.Tensor.double)
    assert isinstance(survey, Survey) and survey.gain.dtype == survey.context.dtype == torch.float64


@pytest.mark.parametrize("name", [name for name, card in NETWORKS.items() if card.task == "restore"])
def test_a_tile_with_its_halo_equals_the_whole(name):
    """Within 1/255, for the networks that restore, at their shipped sizes; other tasks have tests of their own."""
    card = NETWORKS[name]
    torch.manual_seed(0)
    net = card.build().eval()
    picture = torch.rand(1, 3, 256, 256)
    with torch.inference_mode():
        survey = net.survey(picture)
        whole = net(picture, survey, WHOLE).picture
        start = (256 - 2 * card.halo - 64) // 2 // card.multiple_of * card.multiple_of
        cut = slice(start, start + 2 * card.halo + 64)
        window = torch.tensor([[cut.start / 256, cut.start / 256, cut.stop / 256, cut.stop / 256]])
        tile = net(picture[:, :, cut, cut], survey, window).picture
    inner = slice(card.halo, card.halo + 64)
    place = slice(cut.start + card.halo, cut.start + card.halo + 64)
    assert (tile[..., inner, inner] - whole[..., place, place]).abs().max() < 1 / 255
