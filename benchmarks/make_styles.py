"""Make the named styles that come with the package: codes of paintings, and of photographs in media drawn by filters.

    python benchmarks/make_styles.py --paintings DIR --photos DIR

The codes of several pictures are averaged. They are to be made anew whenever the bundled encoder is trained anew. Needs
the files that the table below names; pictures are read, never kept.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from pictures import choose, load, planes
from vasari.foundation.picture import Picture
from vasari.models.style import StyleCode
from vasari.tasks.stylize import styles
from vasari.tasks.stylize.coding import style_code
from vasari.tasks.stylize.media import MEDIA, drawn

MEDIUM_PICTURES = 12
MEDIUM_PX = 512


@dataclass(frozen=True)
class Painting:
    """A style taken from reproductions of one or more paintings."""

    files: tuple[str, ...]
    title: str
    artist: str
    date: str
    died: int


# Reproductions of these travel widely; the files are named as in the collection they were taken from.
PAINTINGS = {
    "botticelli-spring": Painting(("irinainina_135full.jpg",), "Primavera", "Sandro Botticelli", "1482", 1510),
    "bruegel-hunters": Painting(
        ("irinainina_151full.jpg",), "The Hunters in the Snow", "Pieter Bruegel the Elder", "1565", 1569
    ),
    "rembrandt": Painting(
        ("irinainina_25full.jpg", "irinainina_34full.jpg", "irinainina_205full.jpg"),
        "mean of three paintings",
        "Rembrandt",
        "1644-1662",
        1669,
    ),
    "vermeer-milkmaid": Painting(("irinainina_115full.jpg",), "The Milkmaid", "Jan Vermeer", "1660", 1675),
    "aivazovsky-wave": Painting(("irinainina_239full.jpg",), "The Wave", "Ivan Aivazovsky", "1889", 1900),
    "shishkin-pines": Painting(("irinainina_222full.jpg",), "Pine Forest", "Ivan Shishkin", "1895", 1898),
    "kuindzhi-moonlight": Painting(
        ("irinainina_181full.jpg",), "Moonlit Night on the Dnieper", "Arkhip Kuindzhi", "1880", 1910
    ),
    "monet-water-lilies": Painting(("rss_puzzle_4_29.jpg",), "Water Lilies", "Claude Monet", "1914", 1926),
    "monet-etretat": Painting(
        ("artic_20535.jpg",), "Étretat: The Beach and the Falaise d'Amont", "Claude Monet", "1885", 1926
    ),
    "renoir-near-the-lake": Painting(("artic_95654.jpg",), "Near the Lake", "Pierre-Auguste Renoir", "1879-1880", 1919),
    "degas-yellow-dancers": Painting(
        ("artic_18951.jpg",), "Yellow Dancers (In the Wings)", "Edgar Degas", "1874-1876", 1917
    ),
    "seurat-grande-jatte": Painting(
        ("artic_61616.jpg",), 'Oil Sketch for "A Sunday on La Grande Jatte"', "Georges Seurat", "1884", 1891
    ),
    "cezanne-auvers": Painting(("artic_14556.jpg",), "Auvers, Panoramic View", "Paul Cézanne", "1873-1875", 1906),
    "gauguin-tahiti": Painting(("artic_16496.jpg",), "No te aha oe riri", "Paul Gauguin", "1896", 1903),
    "van-gogh-starry-night": Painting(
        ("irinainina_167full.jpg",), "The Starry Night", "Vincent van Gogh", "1889", 1890
    ),
    "van-gogh-crows": Painting(("rss_puzzle_3_37.jpg",), "Wheat Field with Crows", "Vincent van Gogh", "1890", 1890),
    "munch-scream": Painting(("irinainina_112full.jpg",), "The Scream", "Edvard Munch", "1893", 1944),
    "klimt-kiss": Painting(("irinainina_97full.jpg",), "The Kiss", "Gustav Klimt", "1908", 1918),
    "kandinsky-viii": Painting(("irinainina_105full.jpg",), "Composition VIII", "Wassily Kandinsky", "1923", 1944),
}


def of_medium(name: str, photos: list[Path]) -> StyleCode:
    """The mean code of photographs in a medium."""
    made = []
    for seed, path in enumerate(photos):
        pixels = planes(load(path))
        side = min(pixels.shape[1:])
        square = pixels[None, :, :side, :side]
        small = torch.nn.functional.interpolate(square, (MEDIUM_PX, MEDIUM_PX), mode="bilinear", antialias=True)[0]
        made.append(style_code(Picture(drawn(small.clamp(0, 1), name, np.random.default_rng(seed)))))
    return StyleCode.mean(made)


def main() -> None:
    """Write every style into the package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--photos", type=Path, action="append", required=True)
    options = parser.parse_args()
    styles.BUNDLED_FOLDER.mkdir(exist_ok=True)
    for name, one in PAINTINGS.items():
        code = StyleCode.mean([style_code(options.paintings / file) for file in one.files])
        facts = {
            "title": one.title,
            "artist": one.artist,
            "date": one.date,
            "source": "code of a reproduction, which is not kept",
            "rights": f"painting in the public domain; the artist died in {one.died}",
        }
        print(code.save(styles.BUNDLED_FOLDER / f"{name}{styles.SUFFIX}", facts).name, flush=True)
    photos = choose(options.photos, MEDIUM_PICTURES, None)
    for name in MEDIA:
        facts = {
            "title": f"photographs as {name}",
            "source": f"{len(photos)} photographs drawn by the filter {name} of vasari.tasks.stylize.media",
            "rights": "openly licensed photographs; made by Vasari",
        }
        print(of_medium(name, photos).save(styles.BUNDLED_FOLDER / f"{name}{styles.SUFFIX}", facts).name, flush=True)


if __name__ == "__main__":
    main()
