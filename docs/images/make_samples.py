"""Make docs/images/generated-*.jpg: unpicked samples of the bundled generators, and of recipes beside each other.

python docs/images/make_samples.py --model generate-paintings --model generate-retro
python docs/images/make_samples.py --out docs/images/recipes.jpg --row RUN/last.safetensors --row ...
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image

from vasari.models import hub
from vasari.models.generators import Generator
from vasari.tasks.generate.judge import sampled
from vasari.tasks.validation_pictures import grid

HERE = Path(__file__).parent
ROWS, COLUMNS, SEED = 4, 10, 7


def samples(name: str, count: int) -> torch.Tensor:
    """The first `count` pictures of the seed, as they come."""
    generator = hub.load(name).network
    if not isinstance(generator, Generator):
        raise SystemExit(f"{name} is no generator.")
    return sampled(generator, count, SEED)


def write(path: Path, table: torch.Tensor) -> None:
    """A table of pictures [rows, columns, 3, px, px], enlarged half as much again, as a JPEG."""
    picture = Image.fromarray(grid(table))
    picture = picture.resize((picture.width * 3 // 2, picture.height * 3 // 2), Image.Resampling.LANCZOS)
    picture.save(path, quality=84, optimize=True, progressive=True)
    print(path, path.stat().st_size // 1000, "kB")


def main() -> None:
    """Write the sheets that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--row", action="append", default=[])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    for name in options.model:
        table = samples(name, ROWS * COLUMNS).unflatten(0, (ROWS, COLUMNS))
        write(HERE / f"generated-{name.removeprefix('generate-')}.jpg", table)
    if options.row and options.out:
        write(options.out, torch.stack([samples(name, COLUMNS) for name in options.row]))


if __name__ == "__main__":
    main()
