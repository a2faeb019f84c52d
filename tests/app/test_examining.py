"""What is said of a file that is too large: what whoever sent it can do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from vasari.app.cli.main import main
from vasari.app.examining import TOO_LARGE, seen
from vasari.foundation.errors import PictureTooLargeError
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
