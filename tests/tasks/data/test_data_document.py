"""The snippets of docs/data.md run, in a folder that holds what they speak of."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageOps

from vasari.tasks.data.plan import PicturesPlan

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "data.md"


def test_the_snippets_run(folder: Path, tmp_path: Path) -> None:
    for path in (folder / "astronaut.jpg", folder / "animals/cat.PNG"):
        target = tmp_path / "drawings" / path.relative_to(folder).with_suffix(".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        ImageOps.invert(Image.open(path)).save(target)
    blocks = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    script = tmp_path / "snippets.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run([sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "3 pictures from photos" in done.stdout and "2 ('photos/things/deep/coffee.tif',)" in done.stdout


def test_every_option_is_described_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    plan = PicturesPlan()
    for field in dataclasses.fields(plan):
        default = getattr(plan, field.name)
        words = str(default).lower() if isinstance(default, bool) else str(default) or '""'
        assert rows[field.name].strip().strip("`") == words, field.name
    assert set(rows) == {field.name for field in dataclasses.fields(plan)}
