"""Words for what the archive tells in codes: decades of a timeline, names of measures, in a visitor's language."""

from __future__ import annotations

import re
from collections.abc import Callable

Say = Callable[..., str]
#: Names of figures in models' cards and trainings' logs that are fixed words. What follows them in figures, as in
#: psnr_10_20, is the share of a picture that was a hole, in percent; explained2 is of the second depth.
FIGURES = {
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "distance": "distance in features",
    "coverage": "coverage",
    "density": "density",
    "precision": "precision",
    "recall": "recall",
    "kernel_distance": "kernel distance",
    "nearest": "distance to the nearest picture",
    "explained": "share explained",
    "protocol": "protocol",
    "total": "loss in all",
    "content": "loss of content",
    "style": "loss of style",
    "moments": "loss of moments",
    "own": "loss of a picture in its own style",
}
_COMPONENT = "style_"


def decade(say: Say, value: str) -> str:
    """A decade as people read it: 1880s; of "-51/-42", which spans years before Christ, 51 to 42 BC.

    What is no decade, as a visitor's own filter may say, is given back as it came.
    """
    if not re.fullmatch(r"\d+s|-?\d+/-?\d+", value):
        return value
    if value.endswith("s"):
        return say("{year}s", year=value.removesuffix("s"))
    first, last = (int(year) for year in value.split("/"))
    if last < 0:
        return say("{a} to {b} BC", a=-first, b=-last)
    return say("{a} BC to {b}", a=-first, b=last)


def figure(say: Say, name: str) -> str:
    """The name of a figure in words; a sentence of the card's own, or a name that is not known, as it is."""
    found = re.fullmatch(r"([a-z_]+?)(?:_(\d+)_(\d+)|(\d))?", name)
    if found is None or found[1] not in FIGURES:
        return name
    words = say(FIGURES[found[1]])
    if found[2]:
        return say("{what}, holes of {a} to {b} %", what=words, a=found[2], b=found[3])
    return say("{what}, depth {n}", what=words, n=found[4]) if found[4] else words


def measure(say: Say, name: str) -> str:
    """A measure of the table of features in words."""
    number = name.removeprefix(_COMPONENT)
    if name.startswith(_COMPONENT) and number.isdecimal():
        return say("style component {n}", n=number)
    return say(name.replace("_", " "))
