"""The picture of docs/texture.md: samples that scikit-image carries, and textures made of them.

cd benchmarks
python texture.py --sides 512 --keep ../kept
python texture.py --sides 512 --samples gravel --method gan --keep ../kept
cd ..
python docs/images/make_textures.py kept docs/images/texture.jpg
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image, ImageDraw
from skimage import data

SAMPLES = {
    "gravel": data.gravel,
    "grass": data.grass,
    "ihc": data.immunohistochemistry,
    "stars": lambda: data.hubble_deep_field()[:512, :512],
    "brick": data.brick,
}
COLUMNS = (*((name, "optimize") for name in SAMPLES), ("gravel", "gan"))
SHOWN_PX, GAP_PX, HEAD_PX = 256, 6, 18
LARGEST_BYTES = 195_000


def sheet(folder: Path) -> Image.Image:
    """A column a texture: the middle of the sample at 1:1, and below it that of the texture."""
    step = SHOWN_PX + GAP_PX
    made = Image.new("RGB", (step * len(COLUMNS) - GAP_PX, HEAD_PX + 2 * step - GAP_PX), "white")
    draw = ImageDraw.Draw(made)
    for column, (name, method) in enumerate(COLUMNS):
        draw.text((column * step + 2, 3), f"{name}, and below it: {method}", fill="black")
        for row, picture in enumerate(
            (Image.fromarray(SAMPLES[name]()), Image.open(folder / f"{name}-{method}-512.png"))
        ):
            edge = (512 - SHOWN_PX) // 2
            shown = picture.convert("RGB").crop((edge, edge, edge + SHOWN_PX, edge + SHOWN_PX))
            made.paste(shown, (column * step, HEAD_PX + row * step))
    return made


def main(folder: Path, target: Path) -> None:
    """Write the sheet as the best JPEG that stays below `LARGEST_BYTES`."""
    made = sheet(folder)
    for quality in range(90, 20, -2):
        buffer = io.BytesIO()
        made.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() <= LARGEST_BYTES:
            break
    target.write_bytes(buffer.getvalue())
    print(f"{target}: {buffer.tell()} bytes at quality {quality}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
