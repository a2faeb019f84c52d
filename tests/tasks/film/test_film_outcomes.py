"""What a film comes out as: by its strength, in grey, and by one version and one machine from end to end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from vasari.foundation.treatment import read_treatment
from vasari.foundation.video_files import FilmReader, inspect_film
from vasari.tasks.batch.terms import BatchOptions, Silent, Summary
from vasari.tasks.film import files, segments
from vasari.tasks.film.files import film_files
from vasari.tasks.film.film_plan import FilmPlan
from vasari.tasks.film.work import FilmWork
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.restore.work import RestoreWork
from vasari.tasks.stylize.stylize_plan import StylizePlan
from vasari.tasks.stylize.work import StylizeWork

LOSSLESS = {"codec": "ffv1", "options": {}, "pixel_format": "yuv444p"}


@pytest.fixture
def style(tmp_path: Path) -> str:
    Image.fromarray(data.coffee()[:120, :160]).save(tmp_path / "style.png")
    return str(tmp_path / "style.png")


def pixels(path: Path) -> Tensor:
    with FilmReader(path) as reader:
        return torch.stack([one.pixels() for one in reader.frames()])


def painted(source: Path, output: Path, plan: StylizePlan, film: FilmPlan) -> Path:
    """The film stylized into a folder."""
    summary = film_files([source], BatchOptions(output), FilmWork(StylizeWork.of(plan), film))
    assert [one.error for one in summary.entries] == [None]
    return output / str(summary.entries[0].result)


def test_strength_goes_from_the_source_to_the_style(
    style: str, clips: ModuleType, tmp_path: Path, tiny_painter: dict[str, str]
) -> None:
    source = clips.write(tmp_path / "a.mkv", clips.shots(2), **LOSSLESS)
    made = {}
    for strength in (0.0, 0.5, 1.0):
        plan = StylizePlan((style,), strength=strength, precision="float32", working_px=64, **tiny_painter)
        made[strength] = pixels(painted(source, tmp_path / str(strength), plan, FilmPlan(steady=0)))
    assert torch.equal(made[0.0], pixels(source))
    far = [float((made[one] - made[0.0]).abs().mean()) for one in (0.5, 1.0)]
    assert 0.01 < far[0] < far[1]


def test_a_film_in_grey_stays_so_and_says_so_where_it_is_painted(
    style: str, clips: ModuleType, tmp_path: Path, tiny_painter: dict[str, str], tiny_restorer: Path
) -> None:
    """Written in grey; the same pictures in yuv420p come out in color, or in grey where the colors are kept."""
    frames = [np.repeat(one.mean(2, keepdims=True), 3, 2).astype(np.uint8) for one in clips.shots(2)]
    grey = clips.write(tmp_path / "grey.mkv", frames, codec="ffv1", options={}, pixel_format="gray", color_range=2)
    colored = clips.write(tmp_path / "colored.mkv", frames, **LOSSLESS)
    plan = StylizePlan((style,), precision="float32", working_px=64, **tiny_painter)
    keeping = StylizePlan((style,), precision="float32", working_px=64, keep_color="luminance", **tiny_painter)

    def chroma(path: Path) -> float:
        shown = pixels(path)
        return float((shown - shown.mean(1, keepdim=True)).abs().mean()) * 255

    result = painted(grey, tmp_path / "out", plan, FilmPlan())
    assert inspect_film(result).pixel_format == "gray"
    assert any("in grey, and so is the result" in one for one in read_treatment(sidecar(result)).notes)
    assert chroma(painted(colored, tmp_path / "out", plan, FilmPlan())) > 2
    assert chroma(painted(colored, tmp_path / "kept", keeping, FilmPlan())) < 1.5
    restoring = FilmWork(RestoreWork.of(RestorePlan(model=str(tiny_restorer), precision="float32")), FilmPlan())
    film_files([grey], BatchOptions(tmp_path / "restored"), restoring)
    assert inspect_film(tmp_path / "restored" / "grey.mkv").pixel_format == "gray"
    assert read_treatment(sidecar(tmp_path / "restored" / "grey.mkv")).notes == ()


def sidecar(result: Path) -> Path:
    return result.with_suffix(".treatment.json")


def test_a_mask_that_does_not_fit_is_told_with_the_size_of_the_frames(
    style: str, clips: ModuleType, tmp_path: Path, tiny_painter: dict[str, str]
) -> None:
    Image.fromarray(np.full((100, 50), 255, np.uint8)).save(tmp_path / "mask.png")
    source = clips.write(tmp_path / "a.mkv", clips.shots(1), **LOSSLESS)
    plan = StylizePlan((style,), (str(tmp_path / "mask.png"),), working_px=64, **tiny_painter)
    summary = film_files([source], BatchOptions(tmp_path / "out"), FilmWork(StylizeWork.of(plan), FilmPlan()))
    assert "mask.png (50×100) has another aspect than the picture (96×64)" in str(summary.entries[0].error)


class Until(Silent):
    """A watch that ends the run at a share, and keeps what it was told."""

    def __init__(self, share: float = 2.0) -> None:
        self.share = share
        self.told: list[float] = []

    def advance(self, source: Path, page: int, share: float, of_work: float) -> None:
        """End it."""
        self.told.append(share)
        if share >= self.share:
            raise KeyboardInterrupt


@pytest.mark.parametrize("other", [None, "version", "machine"])
def test_segments_of_another_version_or_machine_are_not_joined(
    other: str | None, clips: ModuleType, tmp_path: Path, tiny_restorer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record names one of each: what another has begun is begun again, what the same has begun goes on."""
    monkeypatch.setattr(segments, "SEGMENT_FRAMES", 4)
    source = clips.write(tmp_path / "a.mkv", clips.shots(5))
    work = FilmWork(RestoreWork.of(RestorePlan(model=str(tiny_restorer), precision="float32")), FilmPlan())

    def run(watch: Until) -> Summary:
        return film_files([source], BatchOptions(tmp_path / "out"), work, watch)

    with pytest.raises(KeyboardInterrupt):
        run(Until(0.6))
    begun = list((tmp_path / "out" / ".vasari" / "films").glob("*/*.packets"))
    assert len(begun) == 2
    if other == "version":
        monkeypatch.setattr(files, "VERSION", "99.0")
    if other == "machine":
        found = files.machine_of

        def elsewhere(treater: object) -> Mapping[str, str]:
            return {**found(treater), "threads": "61"}

        monkeypatch.setattr(files, "machine_of", elsewhere)
    again = Until()
    assert len(run(again).done) == 1
    assert min(again.told) == (0.5 if other is None else 0.0)
    assert not any(one.exists() for one in begun)
