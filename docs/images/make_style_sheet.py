"""Lay results of `vasari stylize` out as a sheet: a row a content, a column a style, the styles named above.

for style in van-gogh-starry-night munch-scream ...; do vasari stylize contents --style $style -o out/$style; done
python docs/images/make_style_sheet.py contents out -o docs/images/styles.jpg --width 340
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

GAP_PX, CAPTION_PX = 6, 26


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contents", type=Path)
    parser.add_argument("results", type=Path, help="a folder with one a style")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--width", type=int, default=340, help="of a picture on the sheet, in pixels")
    parser.add_argument("--styles", nargs="+", help="folders of the results, in order; else all by name")
    options = parser.parse_args()
    styles = options.styles or sorted(path.name for path in options.results.iterdir() if path.is_dir())
    rows = [
        [path, *(options.results / style / path.name for style in styles)]
        for path in sorted(options.contents.iterdir())
        if path.suffix.lower() in (".jpg", ".png")
    ]
    width, size = options.width, (len(styles) + 1) * (options.width + GAP_PX) - GAP_PX
    heights = []
    for row in rows:
        with Image.open(row[0]) as content:
            heights.append(min(width, round(content.height * width / content.width)))
    sheet = Image.new("RGB", (size, CAPTION_PX + sum(heights) + GAP_PX * (len(rows) - 1)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    for column, name in enumerate(("photograph", *styles)):
        pen.text((column * (width + GAP_PX) + 4, 4), name, fill="black", font=font)
    top = CAPTION_PX
    for row, height in zip(rows, heights, strict=True):
        for column, path in enumerate(row):
            with Image.open(path) as picture:
                shown = picture.convert("RGB").resize(
                    (width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS
                )
            above = (shown.height - height) // 2
            sheet.paste(shown.crop((0, above, width, above + height)), (column * (width + GAP_PX), top))
        top += height + GAP_PX
    sheet.save(options.output, quality=80, optimize=True)


if __name__ == "__main__":
    main()
