"""Named styles: kept with their facts, found by name or path, refused where they are taken or none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from vasari.foundation.errors import PictureError, PlanError, WeightsError
from vasari.models.style import StyleCode, read_style
from vasari.tasks.stylize import styles
from vasari.tasks.stylize.coding import style_code
from vasari.tasks.stylize.stylize_plan import StylizePlan

FACTS = {"title": "Chelsea", "artist": "Stéfan van der Walt", "rights": "CC0", "source": "scikit-image"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "vasari" / "styles"


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    Image.fromarray(data.chelsea()[:120, :160]).save(tmp_path / "cat.png")
    return tmp_path / "cat.png"


def test_a_style_is_added_found_and_removed(cat: Path, home: Path, tiny_painter: dict[str, str]) -> None:
    encoder = tiny_painter["encoder"]
    path = styles.add("my-cat", [cat], FACTS, scale=0.25, encoder=encoder)
    assert path == home / "my-cat.safetensors" and styles.named()["my-cat"] == path
    code, facts = read_style(path)
    assert facts == FACTS == styles.facts_of(path)
    assert torch.equal(code.vector(), style_code(cat, scale=0.25, encoder=encoder).vector())
    found = styles.find("my-cat", 0.3)
    assert (found.name, found.is_code, found.share, found.path) == ("my-cat", True, 0.3, path)
    assert found.told == "my-cat (Chelsea; Stéfan van der Walt; scikit-image; CC0)"
    assert styles.find(str(path)).digest == found.digest == found.record.digest
    with pytest.raises(PlanError, match="already") as caught:
        styles.add("my-cat", [cat], {}, encoder=encoder)
    assert "vasari styles remove my-cat" in caught.value.remedy
    assert styles.remove("my-cat") == path and "my-cat" not in styles.named()
    with pytest.raises(PlanError, match="is not there"):
        styles.remove("my-cat")


def test_several_pictures_give_their_mean(cat: Path, tmp_path: Path, tiny_painter: dict[str, str]) -> None:
    encoder = tiny_painter["encoder"]
    Image.fromarray(data.coffee()[:120, :160]).save(tmp_path / "cup.png")
    pictures = [cat, tmp_path / "cup.png"]
    mean = StyleCode.load(styles.add("both", pictures, {}, scale=0.25, encoder=encoder))
    codes = [style_code(one, scale=0.25, encoder=encoder).vector() for one in pictures]
    torch.testing.assert_close(mean.vector(), (codes[0] + codes[1]) / 2)


def test_names_that_came_with_the_package_are_taken_and_stay(
    cat: Path, tmp_path: Path, tiny_painter: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(styles, "BUNDLED_FOLDER", tmp_path / "bundled")
    made = styles.add("oil", [cat], {}, folder=tmp_path / "bundled", scale=0.25, encoder=tiny_painter["encoder"])
    assert styles.named() == {"oil": made} and styles.is_bundled(made)
    with pytest.raises(PlanError, match="already") as caught:
        styles.add("oil", [cat], {}, encoder=tiny_painter["encoder"])
    assert caught.value.remedy == "choose another name"
    with pytest.raises(PlanError, match="came with the package"):
        styles.remove("oil")


@pytest.mark.parametrize("name", ["", "My Cat", "../cat", "-cat", "cat.safetensors"])
def test_names_that_are_none_are_refused(name: str, cat: Path, home: Path) -> None:
    with pytest.raises(PlanError, match="is no name"):
        styles.add(name, [cat], {})
    with pytest.raises(PlanError):
        styles.remove(name)
    assert not home.exists()


def test_what_is_no_style_is_refused(cat: Path, tmp_path: Path, tiny_restorer: Path) -> None:
    with pytest.raises(PlanError, match="There is no style 'no-such'"):
        styles.find("no-such")
    with pytest.raises(PlanError, match="no fact 'color'"):
        styles.add("mine", [cat], {"color": "red"})
    with pytest.raises(PlanError, match="No picture"):
        styles.add("mine", [], {})
    with pytest.raises(WeightsError, match="is no style code"):
        styles.find(str(tiny_restorer))
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\xff" * 40)
    with pytest.raises(WeightsError, match="is no style code"):
        styles.find(str(broken))
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    with pytest.raises(PictureError):
        style_code(text)


def test_shares_add_up_to_one_and_paths_become_absolute(cat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(cat.parent)
    plan = StylizePlan(("cat.png:3", f"{cat}", "./cat.png:0"))
    assert [round(one.share, 3) for one in styles.find_all(plan)] == [0.75, 0.25, 0.0]
    placed = styles.placed(plan.style)
    assert placed == (f"{cat}:3", str(cat), f"{cat}:0")
    assert StylizePlan(placed).weighted[0] == (str(cat), 3.0)
    masked = StylizePlan(("cat.png", "cat.png"), ("cat.png", "cat.png"))
    assert [one.share for one in styles.find_all(masked)] == [1.0, 1.0]
    with pytest.raises(PlanError, match="No style"):
        styles.find_all(StylizePlan())


def test_pictures_in_memory_are_coded_like_their_files(cat: Path, tiny_painter: dict[str, str]) -> None:
    array = np.asarray(Image.open(cat))
    one, other = (style_code(source, scale=0.25, encoder=tiny_painter["encoder"]) for source in (cat, array))
    torch.testing.assert_close(one.vector(), other.vector())


def test_a_year_is_no_name_of_a_style(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="is a year or an era"):
        styles.add("1905", [tmp_path / "a.png"], {}, folder=tmp_path)
