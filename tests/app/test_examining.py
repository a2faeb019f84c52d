"""What is said of a file that is too large: what whoever sent it can do."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from vasari.app.examining import TOO_LARGE, seen
from vasari.app.settings import Settings
from vasari.foundation.errors import PictureTooLargeError
from vasari.foundation.image_formats import Limits


def test_a_large_picture_is_refused_with_what_helps_who_sent_it(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    Image.new("RGB", (40, 30)).save(path)
    assert seen(path, "scan.png", Limits(max_pixels=1200)).width == 40
    with pytest.raises(PictureTooLargeError) as refused:
        seen(path, "scan.png", Limits(max_pixels=1199))
    assert refused.value.remedy == TOO_LARGE and "--max-megapixels" not in TOO_LARGE
    assert "largest_upload_pixels" in Settings.__dataclass_fields__
    assert "--largest-upload-pixels" in TOO_LARGE
