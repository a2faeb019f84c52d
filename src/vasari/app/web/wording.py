"""Words for what the archive tells in codes: decades of a timeline, names of measures, in a visitor's language."""

from __future__ import annotations

import re
from collections.abc import Callable

Say = Callable[..., str]
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


def measure(say: Say, name: str) -> str:
    """A measure of the table of features in words."""
    number = name.removeprefix(_COMPONENT)
    if name.startswith(_COMPONENT) and number.isdecimal():
        return say("style component {n}", n=number)
    return say(name.replace("_", " "))
