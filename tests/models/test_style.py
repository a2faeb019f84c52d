"""Style codes: moments as NumPy has them, mixtures linear, files whole, encoders never mixed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import color, data

from vasari.foundation.errors import WeightsError
from vasari.models.encoders import Encoder
from vasari.models.style import Moments, StyleCode, moments, normalized_as, read_style

DIGEST = "a" * 64


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder((8, 8, 12, 16)).eval()


def picture(name: str) -> torch.Tensor:
    return torch.from_numpy(getattr(data, name)()[:128, :160, :3].copy()).permute(2, 0, 1).float() / 255


def code_of(name: str, encoder: Encoder) -> StyleCode:
    return StyleCode.of(picture(name), encoder, DIGEST)


def test_a_code_holds_the_moments_of_every_depth_and_of_the_colors(encoder: Encoder) -> None:
    code = code_of("astronaut", encoder)
    with torch.no_grad():
        features = [one[0].numpy().astype(np.float64) for one in encoder(picture("astronaut")[None])]
    for depth, one in enumerate(features):
        np.testing.assert_allclose(code.means[depth], one.mean((1, 2)), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(code.deviations[depth], one.std((1, 2)), rtol=1e-4, atol=1e-5)
    lab = color.rgb2lab(picture("astronaut").permute(1, 2, 0).numpy().astype(np.float64)).reshape(-1, 3)
    np.testing.assert_allclose(code.lab, [*lab.mean(0), *lab.std(0)], atol=0.02)
    assert code.vector().shape == (2 * (8 + 8 + 12 + 16) + 6,)


@torch.no_grad()
def test_normalized_features_have_the_moments_of_the_style(encoder: Encoder) -> None:
    features = encoder(picture("astronaut")[None])
    style = code_of("coffee", encoder).moments()
    own = moments(features)
    for depth, one in enumerate(features):
        got = moments([normalized_as(one, own, style, depth)])
        lively = own.deviations[depth] > 0.02
        assert lively.any()
        torch.testing.assert_close(got.means[0][lively], style.means[depth][lively], atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(got.deviations[0][lively], style.deviations[depth][lively], atol=1e-3, rtol=1e-3)


def test_mixtures_are_linear_and_weights_need_no_sum(encoder: Encoder) -> None:
    one, other = code_of("astronaut", encoder), code_of("coffee", encoder)
    mixed = StyleCode.mean([one, other], [3, 1])
    torch.testing.assert_close(mixed.vector(), 0.75 * one.vector() + 0.25 * other.vector())
    torch.testing.assert_close(one.toward(other, 0.25).vector(), mixed.vector())
    torch.testing.assert_close(StyleCode.mean([one]).vector(), one.vector())
    half = Moments(one.means, one.deviations).toward(Moments(other.means, other.deviations), 0.5)
    torch.testing.assert_close(half.means[0], (one.means[0] + other.means[0]) / 2)


@pytest.mark.parametrize("weights", [[], [1.0], [0.0, 0.0], [-1.0, 2.0]])
def test_weights_that_give_no_mean_are_refused(encoder: Encoder, weights: list[float]) -> None:
    codes = [code_of("astronaut", encoder), code_of("coffee", encoder)]
    with pytest.raises(WeightsError, match="have no mean"):
        StyleCode.mean(codes, weights)


def test_codes_of_two_encoders_do_not_mix(encoder: Encoder) -> None:
    one = code_of("astronaut", encoder)
    with pytest.raises(WeightsError, match="different encoders"):
        one.toward(StyleCode(one.means, one.deviations, one.lab, "b" * 64), 0.5)


def test_a_saved_code_comes_back_with_its_facts(encoder: Encoder, tmp_path: Path) -> None:
    code = code_of("coffee", encoder)
    path = code.save(tmp_path / "kaffee.safetensors", {"title": "Kaffee", "rights": "CC0"})
    loaded, facts = read_style(path)
    torch.testing.assert_close(loaded.vector(), code.vector(), rtol=0, atol=0)
    assert loaded.encoder == DIGEST and facts == {"title": "Kaffee", "rights": "CC0"}
    assert path.read_bytes() == code.save(tmp_path / "again.safetensors", facts).read_bytes()


def test_another_file_is_no_code(tmp_path: Path) -> None:
    (tmp_path / "torn.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    with pytest.raises(WeightsError, match="no style code"):
        StyleCode.load(tmp_path / "torn.safetensors")
