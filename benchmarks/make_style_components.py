"""Fit the reference of style codes and embeddings that comes with the package, on folders of paintings.

    python benchmarks/make_style_components.py --paintings DIR

It defines the features `style_components` and `embedding`: what was measured with another reference must be measured
anew. To be run again whenever the bundled encoder is trained anew. Pictures are read, never kept. Prints the
deviations of the other features' columns as well, which the table of features holds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from pictures import KINDS
from vasari.archive.features import projections
from vasari.archive.features.coding import Coded, Coder, leveled, unit
from vasari.archive.features.projections import Projection
from vasari.archive.features.reduced import reduced
from vasari.archive.features.table import FEATURES
from vasari.foundation.devices import choose_device
from vasari.models import hub

COMPONENTS, EMBEDDED = 8, 128


def unfitted(encoder: str) -> Coder:
    """The encoder in float32, before there is a reference."""
    loaded = hub.load(encoder)
    blank = np.zeros((0,), np.float32)
    none = Projection(blank, blank, blank, loaded.digest)
    return Coder(loaded.network, loaded.digest, none, none, choose_device("cpu"), torch.float32)  # type: ignore[arg-type]


def codes(paths: list[Path], coder: Coder) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Style codes [N, 838], moments of leveled pictures [N, 832], and the columns of the other features."""
    styles, moments = [], []
    columns: dict[str, list[np.ndarray]] = {}
    for path in paths:
        picture = reduced(path)
        styles.append(Coded([picture], coder).style[0])
        moments.append(unit(coder.moments(leveled(picture.pixels)[None]).vector().numpy())[0])
        for name, feature in FEATURES.items():
            if feature.columns and feature.of_picture is not None:
                columns.setdefault(name, []).append(feature.of_picture(picture))
    return np.stack(styles), np.stack(moments), {name: np.stack(rows) for name, rows in columns.items()}


def main() -> None:
    """Fit both projections and put them into the package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, action="append", required=True)
    parser.add_argument("--encoder", default="encoder", help="the bundled encoder, or a file")
    parser.add_argument("--out", type=Path, default=projections.BUNDLED_FOLDER)
    parser.add_argument("--rights", default="reproductions of paintings in the public domain")
    options = parser.parse_args()
    paths = sorted(path for folder in options.paintings for path in folder.iterdir() if path.suffix.lower() in KINDS)
    coder = unfitted(options.encoder)
    styles, moments, columns = codes(paths, coder)
    facts = {"rights": options.rights, "source": "statistics of reproductions, which are not kept"}
    options.out.mkdir(parents=True, exist_ok=True)
    made = {
        "style-components": projections.components(styles, COMPONENTS, coder.digest, facts),
        "embedding": projections.whitening(moments, EMBEDDED, coder.digest, facts),
    }
    for name, projection in made.items():
        path = projection.save(options.out / f"{name}.safetensors")
        print(f"{path.name}: {path.stat().st_size} bytes, {projection.facts['variance']}")
    for name, rows in columns.items():
        for column, values in zip(FEATURES[name].columns, rows.T, strict=True):
            print(f"{name}.{column.name}: mean {values.mean():.4g}, spread {values.std():.3g}")


if __name__ == "__main__":
    main()
