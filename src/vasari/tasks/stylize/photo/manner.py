"""A photograph's manner: how its material draws tones, colors, grain and edges. Presets by era and by year.

Nothing here is damage: no scratches, no stains. `measure.py` takes a manner from a scan, `develop.py` gives it to a
picture.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from vasari.foundation.errors import PlanError

Color = tuple[float, float, float]


@dataclass(frozen=True)
class PhotoManner:
    """How a kind of photograph looks; lengths are in thousandths of the picture's long side.

    `grey`: one tint for each tone, no color. `sensitivity`: what red, green and blue count in a grey picture (before
    1906 plates hardly saw red). `black`, `middle`, `white`: the sRGB colors, 0..1, of no light, of half (encoded) and
    of full light: curve and tint together. `saturation`: of colors, 1 as they are. `grain`: its deviation in the
    middle tones, 0..1; `grain_size`: deviation of its Gaussian; `grain_color`: from 0, the same in all channels, to 1.
    `vignette`: the share of light that the corners lose. `softness`: deviation of the Gaussian that blurs edges.
    """

    grey: bool = False
    sensitivity: Color = (0.299, 0.587, 0.114)
    black: Color = (0.0, 0.0, 0.0)
    middle: Color = (0.5, 0.5, 0.5)
    white: Color = (1.0, 1.0, 1.0)
    saturation: float = 1.0
    grain: float = 0.0
    grain_size: float = 0.6
    grain_color: float = 0.0
    vignette: float = 0.0
    softness: float = 0.0

    def toward(self, other: PhotoManner, share: float) -> PhotoManner:
        """This one (share 0) to the other (1), every number linearly; `grey` is that of the nearer."""
        values: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            one, two = getattr(self, field.name), getattr(other, field.name)
            if isinstance(one, tuple):
                values[field.name] = tuple(a + share * (b - a) for a, b in zip(one, two, strict=True))
            elif isinstance(one, bool):
                values[field.name] = two if share > 0.5 else one
            else:
                values[field.name] = one + share * (two - one)
        return PhotoManner(**values)


# Of the eras of the simulator of aging, and of three years between them; drawn by hand after what is written of the
# materials (Lavédrine 2009, "Photographs of the Past"), not measured.
PRESETS: Mapping[str, PhotoManner] = MappingProxyType(
    {
        "albumen": PhotoManner(
            grey=True, sensitivity=(0.08, 0.3, 0.62), black=(0.2, 0.13, 0.09), middle=(0.6, 0.49, 0.37),
            white=(0.96, 0.91, 0.78), grain=0.012, grain_size=0.5, vignette=0.3, softness=0.9,
        ),
        "gelatin-silver": PhotoManner(
            grey=True, sensitivity=(0.25, 0.5, 0.25), black=(0.05, 0.05, 0.05), middle=(0.5, 0.5, 0.49),
            white=(0.96, 0.96, 0.94), grain=0.035, grain_size=0.6, vignette=0.12, softness=0.4,
        ),
        "newspaper": PhotoManner(
            grey=True, sensitivity=(0.25, 0.5, 0.25), black=(0.2, 0.19, 0.18), middle=(0.53, 0.51, 0.46),
            white=(0.87, 0.84, 0.75), grain=0.045, grain_size=0.9, softness=0.9,
        ),
        "autochrome": PhotoManner(
            black=(0.07, 0.06, 0.06), middle=(0.48, 0.44, 0.37), white=(0.9, 0.86, 0.75), saturation=0.65, grain=0.075,
            grain_size=0.55, grain_color=0.8, vignette=0.3, softness=0.9,
        ),
        "chromogenic-1970s": PhotoManner(
            black=(0.16, 0.09, 0.09), middle=(0.6, 0.5, 0.44), white=(0.99, 0.94, 0.84), saturation=0.8, grain=0.035,
            grain_size=0.6, grain_color=0.5, vignette=0.12, softness=0.5,
        ),
        "color-print": PhotoManner(
            black=(0.05, 0.05, 0.07), middle=(0.52, 0.5, 0.49), white=(0.98, 0.97, 0.95), saturation=1.05, grain=0.02,
            grain_size=0.5, grain_color=0.4, softness=0.3,
        ),
    }
)  # fmt: skip
# Year -> preset: in between the numbers are interpolated, beyond the ends they stay.
YEARS: Mapping[int, str] = MappingProxyType(
    {1870: "albumen", 1905: "albumen", 1925: "gelatin-silver", 1960: "gelatin-silver", 1975: "chromogenic-1970s",
     1990: "color-print"}
)  # fmt: skip


def preset(name: str) -> PhotoManner:
    """The manner of an era's name or of a year, "1905"; raises `PlanError` for anything else."""
    if name in PRESETS:
        return PRESETS[name]
    if name.isdecimal() and 1840 <= int(name) <= 2030:
        return of_year(int(name))
    raise PlanError(
        f"There is no photographic manner {name!r}.",
        remedy=f"name a scan, a year from 1840 to 2030, or one of: {', '.join(PRESETS)}",
    )


def of_year(year: int) -> PhotoManner:
    """The manner of a year, between those of the years of the table."""
    known = sorted(YEARS)
    year = min(max(year, known[0]), known[-1])
    after = next(one for one in known if one >= year)
    before = max(one for one in known if one <= year)
    share = 0.0 if after == before else (year - before) / (after - before)
    return PRESETS[YEARS[before]].toward(PRESETS[YEARS[after]], share)
