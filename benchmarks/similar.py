"""Does search find the original? Altered copies of pictures are sought among all pictures of a folder.

    python benchmarks/similar.py --pictures PAINTINGS --queries 100

For each way of altering and each feature: the share of queries whose original is the nearest of all (recall@1) and
among the nearest ten. `held_out` tells the same for embeddings whose whitening was fitted on the half of the folder
that the original is not in: the bundled one may have been fitted on these very pictures. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from pictures import KINDS, load
from vasari.archive.features.coding import Coded, Coder, leveled, unit
from vasari.archive.features.color import palette
from vasari.archive.features.comparing import distances
from vasari.archive.features.projections import whitening
from vasari.archive.features.reduced import reduced

KEPT = 0.8
EMBEDDED = 128


def cropped(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """80 % of each side, anywhere."""
    height, width = pixels.shape[:2]
    rows, columns = round(height * KEPT), round(width * KEPT)
    top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - columns + 1)
    return pixels[top : top + rows, left : left + columns]


def enlarged_crop(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """80 % of each side, brought back to the size of the whole: strokes are a quarter larger."""
    return cv2.resize(cropped(pixels, rng), pixels.shape[1::-1], interpolation=cv2.INTER_CUBIC)


def faded(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Contrast of 40-70 %, blacks lifted by 10-35 %, 40-90 % of the chroma, a cast of up to 5 %."""
    grey = pixels.mean(2, keepdims=True)
    paler = grey + (pixels - grey) * rng.uniform(0.4, 0.9)
    low = 255 * (rng.uniform(0.1, 0.35) + rng.uniform(-0.05, 0.05, 3))
    return np.clip(np.rint(low + rng.uniform(0.4, 0.7) * paler), 0, 255).astype(np.uint8)


def duller(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Contrast of 50-80 % and brightness changed by up to 20 %, cut off at black and white."""
    level = 127.5 + 255 * rng.uniform(-0.2, 0.2)
    return np.clip(np.rint((pixels - 127.5) * rng.uniform(0.5, 0.8) + level), 0, 255).astype(np.uint8)


def compressed(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG of quality 60."""
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[:, :, ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 60])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1])


def greyed(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Without color."""
    return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)


WAYS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "crop": cropped,
    "crop, enlarged": enlarged_crop,
    "faded": faded,
    "duller": duller,
    "jpeg 60": compressed,
    "grey": greyed,
    "crop and faded": lambda pixels, rng: faded(cropped(pixels, rng), rng),
}


def vectors(pixels: np.ndarray, coder: Coder) -> dict[str, np.ndarray]:
    """Palette and style of a picture, and the moments of which its embedding is made."""
    picture = reduced(pixels)
    moments = coder.moments(leveled(picture.pixels)[None]).vector().numpy()
    return {"palette": palette(picture), "style": Coded([picture], coder).style[0], "moments": unit(moments)[0]}


def scores(ranks: list[int]) -> dict[str, float]:
    """The shares of queries whose original came first, and among the first ten."""
    places = np.array(ranks)
    return {"recall_at_1": round(float((places < 1).mean()), 3), "recall_at_10": round(float((places < 10).mean()), 3)}


def main() -> None:
    """Measure all pictures, then every altered copy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--precision", default="auto")
    options = parser.parse_args()
    paths = sorted(path for path in options.pictures.iterdir() if path.suffix.lower() in KINDS)
    asked = [index * len(paths) // options.queries for index in range(options.queries)]
    coder = Coder.of(precision=options.precision)
    found = [vectors(load(path), coder) for path in paths]
    base = {name: np.stack([one[name] for one in found]) for name in found[0]}
    halves = np.random.default_rng(0).permutation(len(paths)) % 2
    other = [whitening(base["moments"][halves != half], EMBEDDED, coder.digest, {}) for half in (0, 1)]
    report: dict[str, object] = {"pictures": len(paths), "queries": len(asked), "precision": str(coder.precision)}
    for way in options.ways:
        ranks: dict[str, list[int]] = {"palette": [], "texture": [], "overall": [], "overall, held_out": []}
        for index in asked:
            query = vectors(WAYS[way](load(paths[index]), np.random.default_rng(index)), coder)
            away = {
                "palette": distances("palette", query["palette"], base["palette"]),
                "texture": distances("style", query["style"], base["style"], coder.components),
            }
            for name, projection in (("overall", coder.embedding), ("overall, held_out", other[halves[index]])):
                one = projection(query["moments"][None])[0]
                away[name] = distances("embedding", one, projection(base["moments"]))
            for name, values in away.items():
                ranks[name].append(int((values < values[index]).sum()))
        report[way] = {name: scores(one) for name, one in ranks.items()}
        print(json.dumps({way: report[way]}), flush=True)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
