"""The demo's album: eight photographs that scikit-image's wheel carries, and how each is aged."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from vasari.foundation.errors import MissingExtraError

if TYPE_CHECKING:
    from vasari.foundation.picture import Picture

LONG_SIDE_PX = 640
# The eras of `damage.ERAS` that the album uses, in words.
PRINTS = {
    "albumen": "an albumen print",
    "gelatin-silver": "a gelatin silver print",
    "autochrome": "an autochrome plate",
    "chromogenic-1970s": "a color print of the 1970s",
    "newspaper": "a newspaper picture",
}


@dataclass(frozen=True)
class Leaf:
    """One photograph of the album.

    `source` is a file of scikit-image's own data; `crop` cuts left, top, right, bottom in its pixels;
    `era`, `severity` (1 light .. 3 heavy) and `seed` go to `damage.age`; `suffix` and `depth` (bits a
    sample) say how the "scan" is kept.
    """

    name: str
    title: str
    credit: str
    source: str
    era: str
    severity: int
    seed: int
    suffix: str = ".tif"
    depth: int = 8
    crop: tuple[int, int, int, int] | None = None


# The seeds were chosen for variety, by looking at the aged pictures alone.
ALBUM: tuple[Leaf, ...] = (
    Leaf(
        "portrait",
        "The pilot, a portrait",
        "Eileen Collins. NASA, public domain.",
        source="astronaut.png",
        era="gelatin-silver",
        severity=2,
        seed=7,
        depth=16,
        crop=(60, 0, 380, 400),
    ),
    Leaf(
        "motorcycle",
        "A motorcycle in a garage",
        "Middlebury stereo benchmark, 2014.",
        source="motorcycle_left.png",
        era="chromogenic-1970s",
        severity=2,
        seed=4,
        depth=16,
    ),
    Leaf(
        "camera",
        "The man with the camera",
        "Lav Varshney, CC0.",
        source="camera.png",
        era="gelatin-silver",
        severity=3,
        seed=7,
        depth=16,
    ),
    Leaf(
        "coffee",
        "Coffee at Pikolo",
        "Rachel Michetti, CC0.",
        source="coffee.png",
        era="chromogenic-1970s",
        severity=3,
        seed=2,
        suffix=".jpg",
    ),
    Leaf(
        "chelsea",
        "Chelsea the cat",
        "Stéfan van der Walt, CC0.",
        source="chelsea.png",
        era="autochrome",
        severity=1,
        seed=5,
        suffix=".png",
    ),
    Leaf(
        "coins",
        "Greek coins from Pompeii",
        "Brooklyn Museum, no known copyright restrictions.",
        source="coins.png",
        era="albumen",
        severity=2,
        seed=5,
        depth=16,
    ),
    Leaf(
        "rocket",
        "Before the launch",
        "SpaceX, public domain.",
        source="rocket.jpg",
        era="chromogenic-1970s",
        severity=1,
        seed=5,
        suffix=".jpg",
    ),
    Leaf(
        "astronaut",
        "The pilot, for the press",
        "Eileen Collins. NASA, public domain.",
        source="astronaut.png",
        era="newspaper",
        severity=2,
        seed=1,
    ),
)


def photograph(leaf: Leaf) -> Picture:
    """The clean photograph of a leaf, cut, at most 640 px long; `MissingExtraError` without scikit-image."""
    import numpy as np
    from PIL import Image

    from vasari.foundation.picture import Picture

    try:
        file = resources.files("skimage") / "data" / leaf.source
        with file.open("rb") as stream:
            image: Image.Image = Image.open(stream)
            image.load()
    except ModuleNotFoundError:
        raise MissingExtraError("The demo's album", "demo") from None
    if leaf.crop:
        image = image.crop(leaf.crop)
    image.thumbnail((LONG_SIDE_PX, LONG_SIDE_PX), Image.Resampling.LANCZOS)
    return Picture.from_array(np.asarray(image))
