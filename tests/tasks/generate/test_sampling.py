"""Pictures out of codes: the same for the same seed, truncated, mixed, walked through, enlarged, filmed."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import vasari
from vasari.foundation.errors import MissingExtraError, PlanError, VasariError, WeightsError, WriteError
from vasari.models.generators import Generator
from vasari.tasks.generate import clip, codes
from vasari.tasks.generate.apply import Sampler, first_fine_layer, load_generator
from vasari.tasks.generate.enlarge import enlarged_in_tiles, resized
from vasari.tasks.generate.making import contact_sheet
from vasari.tasks.generate.sampling_plan import SamplingPlan, WalkPlan, spot


@pytest.fixture
def residual(tiny: Path) -> Generator:
    return load_generator(tiny)[0]


@pytest.fixture
def dcgan(tiny_dcgan: Path) -> Generator:
    return load_generator(tiny_dcgan)[0]


def codes_for(generator: Generator, seed: int, count: int) -> torch.Tensor:
    noise = torch.cat([codes.noise_of(seed, index, generator.latent) for index in range(count)])
    return codes.mapped(generator, noise)


def test_a_picture_is_the_same_whatever_is_made_beside_it(tiny: Path) -> None:
    three, one = vasari.generate(tiny, n=3, seed=7), vasari.generate(tiny, n=1, seed=7)
    assert torch.equal(three[0].pixels, one[0].pixels)
    assert not torch.equal(three[0].pixels, three[1].pixels)
    assert not torch.equal(three[0].pixels, vasari.generate(tiny, seed=8)[0].pixels)
    assert three[0].pixels.shape == (3, 32, 32)
    assert 0 <= float(three[0].pixels.min()) < float(three[0].pixels.max()) <= 1


def test_pictures_are_those_of_the_network_itself(residual: Generator, tiny: Path) -> None:
    noise = np.random.default_rng([7, 2]).standard_normal((1, 16), dtype=np.float32)
    with torch.no_grad():
        expected = residual(torch.from_numpy(noise))[0].clamp(0, 1)
    torch.testing.assert_close(vasari.generate(tiny, n=3, seed=7)[2].pixels, expected)


def test_noise_is_standard_normal_and_of_its_own_for_each_picture() -> None:
    noise = torch.cat([codes.noise_of(3, index, 64) for index in range(200)])
    assert abs(float(noise.mean())) < 0.02 and abs(float(noise.std()) - 1) < 0.02
    assert abs(np.corrcoef(noise[:-1].flatten(), noise[1:].flatten())[0, 1]) < 0.03


def test_truncation_to_nothing_gives_one_picture_and_halfway_halves_the_spread(tiny: Path, residual: Generator) -> None:
    average = vasari.generate(tiny, n=3, truncation=0.0)
    assert all(torch.equal(one.pixels, average[0].pixels) for one in average)
    found, mean = codes_for(residual, 7, 20), codes.mean_code(residual)
    halved = codes.truncated(found, mean, 0.5)
    torch.testing.assert_close(halved - mean, 0.5 * (found - mean))
    assert codes.truncated(found, mean, 1.0) is found


def test_the_mean_code_is_that_of_many_noises_and_zero_for_codes_that_are_noise(
    residual: Generator, dcgan: Generator
) -> None:
    mean = codes.mean_code(residual)
    with torch.no_grad():
        other = residual.map(torch.from_numpy(np.random.default_rng(5).standard_normal((4096, 16), np.float32)))
    spread = other.std(0)
    assert mean.shape == (1, 3, 16)
    assert ((mean[0] - other.mean(0)).abs() < 0.1 * spread).all()
    assert not codes.codes_are_noise(residual) and codes.codes_are_noise(dcgan)
    assert torch.equal(codes.mean_code(dcgan), torch.zeros(1, 1, 12))
    noise = codes_for(dcgan, 7, 2)
    torch.testing.assert_close(codes.truncated(noise, codes.mean_code(dcgan), 0.6), 0.6 * noise)


@pytest.mark.parametrize("mix_from", [2, 3])
def test_mixing_takes_the_coarse_layers_of_one_and_the_fine_ones_of_the_other(
    residual: Generator, tiny: Path, mix_from: int
) -> None:
    coarse, fine = codes_for(residual, 7, 1), codes_for(residual, 12, 3)[2:]
    both = codes.mixed(coarse, fine, mix_from - 1)
    assert torch.equal(both[:, : mix_from - 1], coarse[:, : mix_from - 1])
    assert torch.equal(both[:, mix_from - 1 :], fine[:, mix_from - 1 :])
    made = vasari.generate(tiny, seed=7, mix="12:3", mix_from=mix_from)[0].pixels
    with torch.no_grad():
        torch.testing.assert_close(made, residual.paint(both)[0].clamp(0, 1))


def test_a_mix_that_leaves_one_side_nothing_is_refused(residual: Generator, tiny: Path, tiny_dcgan: Path) -> None:
    assert first_fine_layer(SamplingPlan(mix="1"), residual) == 2
    for mix_from in (1, 4):
        with pytest.raises(PlanError, match="leaves one of the two"):
            vasari.generate(tiny, mix="12", mix_from=mix_from)
    with pytest.raises(PlanError, match="cannot mix"):
        vasari.generate(tiny_dcgan, mix="12")


def test_a_walk_passes_its_stops_and_comes_back(tiny: Path) -> None:
    walk = WalkPlan(step_s=0.4, fps=10)
    sampler = Sampler.of(tiny, SamplingPlan(seed=7, truncation=0.8))
    stops = [(7, 0), (12, 4), (7, 2)]
    closed = list(sampler.walk(stops, walk))
    open_ended = list(sampler.walk(stops, dataclasses.replace(walk, one_way=True)))
    assert len(closed) == walk.frames(3) == 12
    assert len(open_ended) == dataclasses.replace(walk, one_way=True).frames(3) == 9
    for frames in (closed, open_ended):
        for position, (seed, index) in zip((0, 4, 8), stops, strict=True):
            assert torch.equal(frames[position], sampler.picture(seed, index))
    # The last step leads back: the frame after the last stop but one quarter is nearer to the first again.
    first, last = closed[0], closed[8]
    distances = [float((frame - first).abs().mean()) for frame in closed[8:]]
    assert distances[-1] < distances[0] == pytest.approx(float((last - first).abs().mean()))


def test_steps_between_noises_keep_their_length_and_others_go_straight() -> None:
    start, end = codes.noise_of(1, 0, 512)[None], codes.noise_of(1, 1, 512)[None]
    middle = codes.between(start, end, 0.5, spherical=True)
    # By hand: halfway round, (a + b) / (2 cos(ω/2)), ω the angle between the two.
    cosine = float((start * end).sum() / start.norm() / end.norm())
    by_hand = (start + end) / (2 * np.cos(np.arccos(cosine) / 2))
    torch.testing.assert_close(middle, by_hand)
    assert float(middle.norm()) == pytest.approx(float(start.norm() + end.norm()) / 2, rel=0.02)
    straight = codes.between(start, end, 0.25, spherical=False)
    torch.testing.assert_close(straight, 0.75 * start + 0.25 * end)
    assert float(codes.between(start, end, 0.5, spherical=False).norm()) < 0.8 * float(start.norm())
    torch.testing.assert_close(codes.between(start, start, 0.3, spherical=True), start)
    assert torch.isfinite(codes.between(start, -start, 0.5, spherical=True)).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"truncation": 1.5}, "truncation=1.5"),
        ({"truncation": float("nan")}, "not a number"),
        ({"seed": -1}, "seed=-1"),
        ({"edit": ("lightness",)}, "DIRECTION=AMOUNT"),
        ({"edit": ("lightness=much",)}, "DIRECTION=AMOUNT"),
        ({"edit": ("lightness=nan",)}, "DIRECTION=AMOUNT"),
        ({"edit": ("lightness=99",)}, "DIRECTION=AMOUNT"),
        ({"edit": ("lightness=1", "lightness=2")}, "twice"),
        ({"mix": "seven"}, "no picture"),
        ({"mix": "7:0"}, "no picture"),
        ({"mix_from": 2}, "without mix"),
        ({"size_px": 10**6}, "size_px"),
        ({"enlarge": "x"}, "without a size"),
        ({"format": "bmp"}, "format=bmp"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        SamplingPlan(**options)  # type: ignore[arg-type]


def test_what_the_library_refuses(tiny: Path, tiny_restorer: Path) -> None:
    with pytest.raises(PlanError, match="n=0"):
        vasari.generate(tiny, n=0)
    with pytest.raises(PlanError, match="either"):
        vasari.generate(tiny, plan=SamplingPlan(), truncation=0.5)
    with pytest.raises(PlanError, match="unknown key"):
        vasari.generate(tiny, temperature=0.5)
    with pytest.raises(WeightsError, match="does not generate"):
        vasari.generate(tiny_restorer)
    with pytest.raises(WeightsError, match="no model"):
        vasari.generate("generate-perfectly")
    with pytest.raises(PlanError, match="no direction") as caught:
        vasari.generate(tiny, edit=("happiness=1",))
    assert "lightness" in caught.value.remedy and "component-1" in caught.value.remedy


def test_pictures_and_walks_are_named_by_seed_and_number() -> None:
    assert spot("7") == (7, 0) and spot("12:5") == (12, 4)
    assert WalkPlan(stops=("7", "12:5")).spots(3, 9) == ((7, 0), (12, 4))
    assert WalkPlan().spots(3, 2) == ((3, 0), (3, 1))
    with pytest.raises(PlanError, match="two pictures"):
        WalkPlan().spots(3, 1)
    with pytest.raises(PlanError, match="no picture"):
        WalkPlan(stops=("a",))


def test_an_edit_moves_the_codes_by_its_vector(tiny: Path, residual: Generator) -> None:
    sampler = Sampler.of(tiny, SamplingPlan(edit=("warmth=1.5", "component-2-fine=-1")))
    (warmth, one), (component, two) = sampler.edits
    assert (one, two) == (1.5, -1.0) and component.layers == "fine"
    with torch.no_grad():
        expected = residual.paint(codes_for(residual, 5, 1) + 1.5 * warmth.vector - component.vector)[0].clamp(0, 1)
    torch.testing.assert_close(sampler.picture(5, 0), expected)


class Doubling(nn.Module):
    """Twice the size; every pixel sees two around it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 5, padding=2, padding_mode="replicate")
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            self.conv.weight.copy_(torch.rand(self.conv.weight.shape, generator=generator) / 75)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return nn.functional.pixel_shuffle(self.conv(pixels), 2)


@pytest.mark.parametrize("multiple_of", [1, 4])
def test_enlarging_in_tiles_equals_enlarging_the_whole(multiple_of: int) -> None:
    pixels = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(1))
    network = Doubling()
    with torch.no_grad():
        whole = network(pixels).clamp(0, 1)
    made = enlarged_in_tiles(network, pixels, 16, 2, multiple_of)
    assert made.shape == (1, 3, 80, 112)
    torch.testing.assert_close(made, whole)
    with pytest.raises(PlanError, match="no finite halo"):
        enlarged_in_tiles(network, pixels, 16, None)
    with pytest.raises(WeightsError, match="no whole factor"):
        enlarged_in_tiles(nn.Upsample(scale_factor=1.5), pixels, 16, 2)


def test_another_size_is_that_of_pillow_and_an_enlarger_must_enlarge(tiny: Path, tiny_restorer: Path) -> None:
    own, large = vasari.generate(tiny)[0].pixels, vasari.generate(tiny, size_px=80)[0].pixels
    planes = [Image.fromarray(one.numpy()).resize((80, 80), Image.Resampling.LANCZOS) for one in own]
    torch.testing.assert_close(large, torch.from_numpy(np.stack(planes)).clamp(0, 1))
    assert resized(own, 32) is own
    assert resized(torch.rand(3, 20, 40), 100).shape == (3, 50, 100)
    with pytest.raises(WeightsError, match="does not enlarge"):
        vasari.generate(tiny, size_px=80, enlarge=str(tiny_restorer))


def test_a_contact_sheet_shows_every_picture_in_its_place() -> None:
    pictures = torch.rand(5, 3, 8, 8)
    sheet = contact_sheet(pictures)
    assert sheet.shape == (3, 2 * 10 + 2, 3 * 10 + 2)
    assert torch.equal(sheet[:, 12:20, 12:20], pictures[4])
    assert (sheet[:, 12:, 22:] == 1).all()


def frames(count: int, height: int = 33, width: int = 47) -> list[np.ndarray]:
    """Frames whose colors tell which they are."""
    return [np.full((height, width, 3), (20 + 20 * index, 200 - 15 * index, 128), np.uint8) for index in range(count)]


@pytest.mark.parametrize("suffix", sorted(clip.ANIMATIONS))
def test_an_animation_holds_every_frame_and_plays_for_ever(suffix: str, tmp_path: Path) -> None:
    shown = frames(6)
    clip.write_clip(tmp_path / f"clip{suffix}", iter(shown), 20, "note")
    with Image.open(tmp_path / f"clip{suffix}") as image:
        assert (image.n_frames, image.size, image.info["loop"]) == (6, (47, 33), 0)
        for index, frame in enumerate(shown):
            image.seek(index)
            found = np.asarray(image.convert("RGB")).astype(int)
            assert image.info["duration"] == pytest.approx(50, abs=1)
            assert np.abs(found - frame.astype(int)).max() <= 6


@pytest.mark.parametrize("suffix", sorted(clip.FILMS))
def test_a_film_holds_every_frame(suffix: str, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    shown = frames(6)
    clip.write_clip(tmp_path / f"clip{suffix}", iter(shown), 20, "made by a test")
    with av.open(str(tmp_path / f"clip{suffix}")) as film:
        found = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        assert float(film.streams.video[0].average_rate) == 20
        assert "made by a test" in film.metadata.values()
    assert len(found) == 6
    for one, frame in zip(found, shown, strict=True):
        assert one.shape == (34, 48, 3)  # odd sides get their last row and column twice
        assert np.abs(one[:33, :47].astype(int) - frame.astype(int)).max() <= 6


def test_clips_that_cannot_be_written_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PlanError, match="no kind of clip"):
        clip.check_clip(tmp_path / "clip.avi", 10, 64)
    with pytest.raises(PlanError, match="too many"):
        clip.check_clip(tmp_path / "clip.gif", 10_000, 1024)
    with pytest.raises(WriteError, match=r"clip\.gif could not be written"):
        clip.write_clip(tmp_path / "nowhere" / "clip.gif", iter(frames(2)), 10, "note")

    def missing(name: str, *arguments: object) -> object:
        if name == "av":
            raise ImportError(name)
        return importlib.__import__(name, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("builtins.__import__", missing)
    with pytest.raises(MissingExtraError) as caught:
        clip.check_clip(tmp_path / "clip.mp4", 10, 64)
    assert isinstance(caught.value, VasariError) and "vasari[film]" in caught.value.remedy
