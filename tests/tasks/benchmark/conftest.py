"""What the tests of benches share: a folder of small photographs, and programs beside ours."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three photographs of 96×80 px."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, picture in (("cat", data.chelsea()), ("cup", data.coffee()), ("pilot", data.astronaut())):
        Image.fromarray(np.ascontiguousarray(picture[40:280:3, 60:348:3])).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def program(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A function: the body of a loop over {input} (`array` the pixels, `out` the path to write) to a command."""

    def make(body: str, name: str = "program") -> str:
        script = tmp_path / f"{name}.py"
        script.write_text(
            "import sys, pathlib\nimport numpy as np\nfrom PIL import Image\n"
            "given, output = sys.argv[1:3]\n"
            "for path in sorted(pathlib.Path(given).iterdir()):\n"
            "    array, out = np.asarray(Image.open(path)), pathlib.Path(output) / (path.stem + '.png')\n"
            + "".join(f"    {line}\n" for line in body.splitlines())
        )
        return f"{sys.executable} {script} {{input}} {{output}}"

    return make
