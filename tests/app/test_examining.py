"""Files that are sent in: what they are taken for, and what is said to whoever sent one that is refused."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from vasari.app.cli.main import main
from vasari.app.examining import TOO_LARGE, look, seen
from vasari.foundation.errors import PictureError, PictureTooLargeError
from vasari.foundation.image_formats import Limits


def test_a_large_picture_is_refused_with_what_helps_who_sent_it(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    Image.new("RGB", (40, 30)).save(path)
    assert seen(path, "scan.png", Limits(max_pixels=1200)).width == 40
    with pytest.raises(PictureTooLargeError) as refused:
        seen(path, "scan.png", Limits(max_pixels=1199))
    assert refused.value.remedy == TOO_LARGE and "--max-megapixels" not in TOO_LARGE


def test_the_option_that_is_named_is_one_of_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    (named,) = re.findall(r"vasari serve (--[a-z-]+)$", TOO_LARGE)
    assert main(["serve", "--help"]) == 0
    assert re.search(rf"^\W*{named}\s", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize("packed", [False, True])
def test_a_gif_of_one_picture_is_no_film(tmp_path: Path, packed: bool) -> None:
    pytest.importorskip("av")
    frames = [Image.new("RGB", (64, 48), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "still.gif")
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:], duration=80)
    (tmp_path / "unpack").mkdir()
    limits = Limits(max_pixels=10**6)
    if packed:
        with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
            for name in ("still.gif", "moving.gif"):
                archive.write(tmp_path / name, name)
        found = look(tmp_path / "both.zip", "both.zip", limits, 10**6, tmp_path / "unpack")
        assert [(one.name, one.kind) for one in found.files] == [("moving.gif", "film")]
        assert [one["name"] for one in found.left_out] == ["still.gif"]
        assert "a single picture" in found.left_out[0]["why"]
        return
    assert look(tmp_path / "moving.gif", "moving.gif", limits, 10**6, tmp_path / "unpack").files[0].kind == "film"
    with pytest.raises(PictureError, match="still.gif is a GIF of a single picture") as caught:
        look(tmp_path / "still.gif", "still.gif", limits, 10**6, tmp_path / "unpack")
    assert caught.value.remedy == "save it as PNG"
