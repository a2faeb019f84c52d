"""The one table of features: what is measured of a picture, in which units, and how two are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from vasari.archive.complexity import complexity_entropy
from vasari.archive.features.coding import Coded, Coder
from vasari.archive.features.color import color, palette
from vasari.archive.features.edges import edges
from vasari.archive.features.reduced import Reduced
from vasari.foundation.errors import PlanError


@dataclass(frozen=True)
class Column:
    """One number of a feature: `unit` is empty for plain numbers.

    `spread` is its standard deviation over the paintings of the reference, by which differences are weighed.
    """

    name: str
    unit: str
    spread: float
    meaning: str


@dataclass(frozen=True)
class Feature:
    """A vector of float32 [`dimensions`] that is measured of a picture.

    `version` goes up whenever the same picture would give other numbers. Either `of_picture` measures it
    of pixels, or `of_codes` of the encoder's codes, as [N, dimensions] for N pictures; the full version then
    carries the digests of `digests`. `columns` name the numbers where they have a meaning each. `compared`: the
    entry of `METRICS` by which two are compared.
    """

    version: int
    dimensions: int
    what: str
    compared: str
    columns: tuple[Column, ...] = ()
    of_picture: Callable[[Reduced], np.ndarray] | None = None
    of_codes: Callable[[Coded], np.ndarray] | None = None
    digests: Callable[[Coder], tuple[str, ...]] = lambda coder: ()


def complexity(picture: Reduced) -> np.ndarray:
    """H and C of the plane of grey levels, R + G + B of 8 bits each, as 766 whole numbers.

    Whole numbers, since in floats rounding would order the pixels of flat areas.
    """
    grey = np.rint(picture.pixels.sum(0).numpy() * 255).astype(np.int16)
    return np.array(complexity_entropy(grey), np.float32) + np.float32(0)  # no minus zero


_COLOR = (
    Column("lightness_mean", "L*", 13.7, "mean lightness, 0 black to 100 white"),
    Column("lightness_deviation", "L*", 5.64, "standard deviation of lightness"),
    Column("lightness_skewness", "", 0.883, "above 0: few lights in much darkness; 0 for flat pictures"),
    Column("lightness_5", "L*", 9.36, "lightness below which 5 % of the pixels lie"),
    Column("lightness_50", "L*", 17.7, "median lightness"),
    Column("lightness_95", "L*", 14.6, "lightness below which 95 % of the pixels lie"),
    Column("chroma_mean", "C*ab", 7.05, "mean chroma, 0 for greys"),
    Column("chroma_deviation", "C*ab", 3.88, "standard deviation of chroma"),
    Column("red_green_mean", "a*", 4.36, "mean of a*: above 0 red, below 0 green"),
    Column("yellow_blue_mean", "b*", 7.86, "mean of b*: above 0 yellow, below 0 blue"),
    Column("warm_share", "share", 0.173, "share of all pixels whose color people call warm (Ou et al. 2004)"),
    Column("grey_share", "share", 0.241, "share of all pixels with C*ab below 5"),
    Column("colorfulness", "M", 15.6, "colorfulness (Hasler and Süsstrunk 2003), 0 for greys"),
    Column("palette_entropy", "bit", 0.788, "entropy of the shares of colors in boxes of 10 L* × 20 a* × 20 b*"),
)
_EDGES = (
    Column("edge_density", "share", 0.0916, "share of pixels whose lightness changes by 4 L* a pixel or more"),
    Column("gradient_mean", "L*/px", 0.821, "mean change of lightness a pixel"),
    Column("orientation_entropy", "", 0.0144, "how evenly directions are spread, 0..1, weighted by steepness"),
)
_COMPLEXITY = (
    Column("entropy", "", 0.0264, "permutation entropy H of 2×2 pixels, 0..1"),
    Column("complexity", "", 0.0272, "statistical complexity C of 2×2 pixels, 0..1"),
)
COMPONENTS = tuple(
    Column(f"style_{number}", "reference deviations", 1.0, f"principal component {number} of style codes")
    for number in range(1, 9)
)

FEATURES: Mapping[str, Feature] = MappingProxyType(
    {
        "color": Feature(1, 14, "lightness, chroma and colorfulness", "spread", columns=_COLOR, of_picture=color),
        "palette": Feature(1, 729, "which colors, and how much of each", "hellinger", of_picture=palette),
        "edges": Feature(1, 3, "edges and their directions", "spread", columns=_EDGES, of_picture=edges),
        "complexity": Feature(
            1, 2, "disorder and pattern of neighboring pixels", "spread", columns=_COMPLEXITY, of_picture=complexity
        ),
        "style": Feature(
            1,
            838,
            "StyleCode: means and deviations of the encoder's channels, and of L*, a*, b*",
            "texture",
            of_codes=lambda coded: coded.style,
            digests=lambda coder: (coder.digest,),
        ),
        "style_components": Feature(
            1,
            8,
            "principal components of style codes, fitted on a frozen reference",
            "spread",
            columns=COMPONENTS,
            of_codes=lambda coded: coded.style_components,
            digests=lambda coder: (coder.digest, coder.components.digest),
        ),
        "embedding": Feature(
            1,
            128,
            "what a picture is like as a whole, through fading and cropping",
            "cosine",
            of_codes=lambda coded: coded.embedding,
            digests=lambda coder: (coder.digest, coder.embedding.digest),
        ),
    }
)


def chosen(names: tuple[str, ...] | None) -> tuple[str, ...]:
    """The names of features to be measured, None for all, in the table's order; raises `PlanError`."""
    unknown = sorted(set(names or ()) - set(FEATURES))
    if unknown:
        raise PlanError(f"There is no feature {unknown[0]!r}.", remedy=f"choose from: {', '.join(FEATURES)}")
    return tuple(name for name in FEATURES if names is None or name in names)


def needs_encoder(names: tuple[str, ...]) -> bool:
    """Whether any of the features is measured by the encoder."""
    return any(FEATURES[name].of_codes is not None for name in names)


def version_of(name: str, coder: Coder | None) -> str:
    """The version under which a feature is stored: "1", or "1-c0ffee00" with the digests of what measures it.

    Values of two versions are never comparable. Raises `PlanError` for an unknown name, or where a coder is missing.
    """
    (name,) = chosen((name,))
    feature = FEATURES[name]
    if feature.of_codes is None:
        return str(feature.version)
    if coder is None:
        raise PlanError(f"The feature {name} needs the encoder.", remedy="give coder=Coder.of()")
    return "-".join([str(feature.version), *(digest[:8] for digest in feature.digests(coder))])
