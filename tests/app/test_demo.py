"""The demo: its album is aged, restored and shown on a page that needs nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import skimage.metrics
import torch

from vasari.app.demo import views
from vasari.app.demo.album import ALBUM, LONG_SIDE_PX, PRINTS, Leaf, photograph
from vasari.app.demo.make import Demo, make_demo, score
from vasari.app.demo.page import Plate, Scores, render
from vasari.foundation import damage

VOID = {"meta", "link", "img", "input", "br", "hr"}


class Page(HTMLParser):
    """Collects what a page refers to, and whether its tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.images_without_alt = 0
        self.ranges_without_label = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.references += [str(values[name]) for name in ("src", "href") if values.get(name)]
        self.images_without_alt += tag == "img" and not values.get("alt")
        self.ranges_without_label += values.get("type") == "range" and not values.get("aria-label")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _plate(**changes: object) -> Plate:
    values: dict[str, object] = {
        "name": "one",
        "title": "A <title> & more",
        "credit": "Someone",
        "print_kind": "an albumen print",
        "severity": 2,
        "width": 640,
        "height": 480,
        "scan": "scans/one.tif",
        "result": "restored/one.tif",
        "views": {kind: f"views/one-{kind}.jpg" for kind in ("aged", "restored", "original", "damage", "change")},
        "scores": Scores(20.0, 24.5, 0.7, 0.85),
        "record": {"source": "one.tif", "stage tone": "<did> this"},
        "record_file": "restored/one.treatment.json",
    }
    return Plate(**{**values, **changes})  # type: ignore[arg-type]


def _check_self_contained(text: str) -> Page:
    page = Page(text)
    assert page.open == []
    assert page.images_without_alt == 0
    assert page.ranges_without_label == 0
    assert not [one for one in page.references if re.match(r"^([a-z]+:)?//", one)]
    assert "@import" not in text
    assert not re.findall(r"url\((?!data:)", text)
    return page


def test_the_page_is_self_contained_and_escapes() -> None:
    text = render([_plate(), _plate(name="two")], version="0", model="m", digest="ab" * 32, seconds=3.0)
    _check_self_contained(text)
    assert "A &lt;title&gt; &amp; more" in text
    assert "&lt;did&gt; this" in text
    assert "<title> & more" not in text
    assert "+4.5" in text
    assert "$" not in text


@pytest.mark.parametrize("leaf", ALBUM, ids=lambda leaf: leaf.name)
def test_the_album_needs_only_the_wheel(leaf: Leaf) -> None:
    picture = photograph(leaf)
    assert 200 <= max(picture.width, picture.height) <= LONG_SIDE_PX
    assert leaf.era in damage.ERAS
    assert leaf.era in PRINTS
    assert leaf.credit


def test_names_in_the_album_are_unique() -> None:
    assert len({leaf.name for leaf in ALBUM}) == len(ALBUM)


def test_scores_agree_with_scikit_image() -> None:
    rng = np.random.default_rng(5)
    clean = rng.random((3, 64, 80), np.float32)
    aged = np.clip(clean + rng.normal(0, 0.1, clean.shape), 0, 1).astype(np.float32)
    found = score(torch.from_numpy(aged), torch.from_numpy(clean), torch.from_numpy(clean), grey=False)
    expected = skimage.metrics.peak_signal_noise_ratio(clean, aged, data_range=1.0)
    assert found.psnr_aged == pytest.approx(expected, abs=1e-3)
    assert found.ssim_restored == pytest.approx(1.0)


def test_views_are_pictures(tmp_path: Path) -> None:
    ramp = torch.linspace(0, 1, 64).expand(1, 32, 64)
    heat = views.change_view(ramp)
    lightness = heat.mean(0)[0]
    assert bool((lightness[1:] >= lightness[:-1] - 1e-6).all()), "the ramp reads without color"
    assert torch.equal(views.change_view(torch.zeros(1, 8, 8)), views.change_view(torch.zeros(1, 8, 8)))
    marked = views.damage_view(ramp, torch.full((3, 32, 64), 0.5))
    assert torch.allclose(marked[:, 0, -1], torch.from_numpy(views.MARK))
    views.write_view(marked, tmp_path / "marked.jpg")
    assert (tmp_path / "marked.jpg").stat().st_size > 100


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Demo, list[str]]:
    folder = tmp_path_factory.mktemp("demo")
    said: list[str] = []
    chosen = [leaf for leaf in ALBUM if leaf.name in ("coins", "chelsea")]
    return folder, make_demo(folder, said.append, album=chosen), said


def test_the_demo_shows_what_it_made(demo: tuple[Path, Demo, list[str]]) -> None:
    folder, made, said = demo
    page = _check_self_contained(made.page.read_text(encoding="utf-8"))
    files = [one for one in page.references if not one.startswith("data:")]
    assert len(files) == 2 * (5 + 3)
    assert not [one for one in files if not (folder / one).is_file()]
    assert made.pictures == 2
    assert said
    assert set(made.to_dict()) >= {"page", "pictures", "seconds", "psnr_restored"}


def test_the_demo_does_better_than_nothing(demo: tuple[Path, Demo, list[str]]) -> None:
    scores = demo[1].scores
    assert scores.psnr_restored > scores.psnr_aged
    assert scores.ssim_restored > scores.ssim_aged


def test_the_demo_again_leaves_the_results_alone(demo: tuple[Path, Demo, list[str]]) -> None:
    folder = demo[0]
    results = [path for path in (folder / "restored").iterdir() if path.is_file() and path.suffix != ".jsonl"]
    before = {path: path.stat().st_mtime_ns for path in results}
    make_demo(folder, lambda _: None, album=[leaf for leaf in ALBUM if leaf.name in ("coins", "chelsea")])
    assert {path: path.stat().st_mtime_ns for path in before} == before
