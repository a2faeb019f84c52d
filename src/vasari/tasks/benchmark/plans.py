"""What each bench is asked for. Imports no torch: the command line is derived from these.

`PLANS` has a plan for every bench of `table.BENCHES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.tasks.inpaint.plan import METHODS as FILLING_METHODS
from vasari.tasks.shared_options import PRECISIONS, device_option

#: As `foundation.damage.ERAS`, which needs torch.
ERAS = ("albumen", "gelatin-silver", "newspaper", "autochrome", "chromogenic-1970s", "color-print")
SEVERITIES = (1, 2, 3)
SUBJECTS = ("restore", "stylize", "inpaint")


def _data(help: str = "folder of clean pictures; empty: photographs of scikit-image (extra demo)") -> Any:
    return option("", help)


def _names() -> Any:
    return option("", "text file of the pictures to take, a file's name on each line; empty: of all")


def _count(default: int, what: str = "pictures, taken at even distances; 0 for all") -> Any:
    return option(default, what, minimum=0)


def _long_side(default: int) -> Any:
    return option(default, "pictures are averaged to this long side in pixels; 0: as they are", minimum=0)


def _precision() -> Any:
    return option("float32", "arithmetic of the network", choices=PRECISIONS)


def _network() -> Any:
    return option("encoder", "what perceptual distances are taken by: a bundled name or a file")


def _keep() -> Any:
    return option(False, "keep every picture in DIR/given, truth and results, to look at")


def _draws() -> Any:
    return option(2000, "bootstrap draws of an interval, and sign flips of a test", minimum=200)


def _seed() -> Any:
    return option(0, "seed of all that is drawn", minimum=0)


@dataclass(frozen=True)
class AgedPlan:
    """Aged photographs, restored: gains by era and severity."""

    data: str = _data()
    pairs: str = option("", "folder with aged/, truth/ and pairs.csv (name, photo, era, severity, channels) instead")
    names: str = _names()
    count: int = _count(8)
    long_side_px: int = _long_side(384)
    eras: tuple[str, ...] = option(ERAS, "the eras, taken in turn", choices=ERAS)
    severities: tuple[int, ...] = option(SEVERITIES, "1 light, 2, 3 heavy; all of them", choices=("1", "2", "3"))
    repeats: int = option(1, "times that each picture is aged at a severity", minimum=1)
    model: str = option("restore", "a bundled restorer's name, or a .safetensors file")
    precision: str = _precision()
    device: str = device_option()
    network: str = _network()
    keep_pictures: bool = _keep()
    draws: int = _draws()
    seed: int = _seed()

    def __post_init__(self) -> None:
        check(self)
        _something(self.eras, "eras")
        _something(self.severities, "severities")
        if self.pairs and self.data:
            raise PlanError("Both data and pairs were named.", remedy="name one of the two")


@dataclass(frozen=True)
class RobustnessPlan:
    """Every damage in every era at every severity: what it costs, and what restoring gains."""

    data: str = _data()
    names: str = _names()
    count: int = _count(6)
    long_side_px: int = _long_side(224)
    eras: tuple[str, ...] = option(ERAS, "the eras", choices=ERAS)
    severities: tuple[int, ...] = option(SEVERITIES, "1 light, 2, 3 heavy", choices=("1", "2", "3"))
    damages: tuple[str, ...] = option((), "names of damages; empty: all that an era knows")
    model: str = option("restore", "a bundled restorer's name, or a .safetensors file")
    precision: str = _precision()
    device: str = device_option()
    keep_pictures: bool = _keep()
    draws: int = _draws()
    seed: int = _seed()

    def __post_init__(self) -> None:
        check(self)
        _something(self.eras, "eras")
        _something(self.severities, "severities")


@dataclass(frozen=True)
class DenoisePlan:
    """Gaussian noise, its strength not told."""

    data: str = _data("folder of clean pictures, such as CBSD68; empty: photographs of scikit-image (extra demo)")
    names: str = _names()
    count: int = _count(0)
    long_side_px: int = _long_side(0)
    sigmas: tuple[float, ...] = option(
        (15.0, 25.0, 50.0), "deviations of the noise in 8-bit levels", minimum=0.1, maximum=255.0
    )
    clipped: bool = option(False, "clip and round the noisy picture to 8 bit, as a file would hold it")
    model: str = option("restore", "a bundled restorer's name, or a .safetensors file")
    tone: str = option("neutral", "'neutral' corrects tones as well, 'keep' does not", choices=("neutral", "keep"))
    precision: str = _precision()
    device: str = device_option()
    network: str = _network()
    keep_pictures: bool = _keep()
    draws: int = _draws()
    seed: int = _seed()

    def __post_init__(self) -> None:
        check(self)
        _something(self.sigmas, "sigmas")


@dataclass(frozen=True)
class InpaintBenchPlan:
    """Holes filled, by their share of the picture; scored inside the holes alone."""

    data: str = _data()
    names: str = _names()
    count: int = _count(8)
    long_side_px: int = _long_side(256)
    shares: tuple[str, ...] = option(("10-20", "30-50"), "bands of the share that is missing, in percent")
    masks: str = option("", "folder with BAND/NAME.png, white where missing; empty: drawn as for the training")
    method: str = option("network", "how our own program fills", choices=FILLING_METHODS)
    model: str = option("inpaint", "a bundled model's name, or a .safetensors file")
    precision: str = _precision()
    device: str = device_option()
    network: str = _network()
    keep_pictures: bool = _keep()
    draws: int = _draws()
    seed: int = _seed()

    def __post_init__(self) -> None:
        check(self)
        _something(self.shares, "shares")
        for band in self.shares:
            band_of(band)


@dataclass(frozen=True)
class StylizeBenchPlan:
    """Pictures in the style of others: how near to the style, how far from the content."""

    data: str = _data("folder of content pictures; empty: photographs of scikit-image (extra demo)")
    names: str = _names()
    styles: str = option("", "folder of style pictures; needed")
    count: int = _count(8)
    styles_each: int = option(2, "styles that each picture takes", minimum=1)
    long_side_px: int = _long_side(384)
    model: str = option("stylize", "a bundled model's name, or a .safetensors file")
    passes: int = option(1, "how often a picture is painted", minimum=1, maximum=5)
    precision: str = _precision()
    device: str = device_option()
    network: str = option(
        "encoder", "what distances are taken by; the bundled encoder taught 'stylize': name a file of another kind"
    )
    keep_pictures: bool = _keep()
    draws: int = _draws()
    seed: int = _seed()

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class GenerateBenchPlan:
    """Samples of a generator beside a set of pictures."""

    data: str = _data("folder of the pictures to compare with; needed")
    model: str = option("generate-paintings", "a bundled generator's name, or a .safetensors file")
    samples: int = option(1000, "pictures that are made", minimum=20)
    px: int = option(64, "side that pictures are brought to before the network", minimum=32)
    network: str = _network()
    neighbors: int = option(5, "k of precision, recall, density and coverage", minimum=1)
    device: str = device_option()
    draws: int = _draws()
    seed: int = option(7, "seed of the noise, and of the bootstrap", minimum=0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class SpeedPlan:
    """Megapixels a second, as ratios within one run."""

    subject: str = option("restore", "what is timed", choices=SUBJECTS[:2])
    style: str = option("van-gogh-starry-night", "stylize: the style that is painted in")
    megapixels: float = option(1.0, "size of the made-up picture that the network works on", minimum=0.05, maximum=64)
    rounds: int = option(5, "rounds in which all take turns, after one that does not count", minimum=3, maximum=100)
    data: str = _data("folder that whole programs are timed on; empty: pictures made up of --megapixels")
    pictures: int = option(3, "so many made-up pictures in that folder", minimum=1)
    device: str = device_option()
    seed: int = _seed()
    draws: int = _draws()

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class MemoryPlan:
    """Peak memory of whole programs on scans of growing size."""

    sides: tuple[int, ...] = option((2000, 4000), "sides of the square 16-bit scans, in pixels", minimum=64)
    subject: str = option("restore", "what our own program does with them", choices=("restore",))

    def __post_init__(self) -> None:
        check(self)
        _something(self.sides, "sides")


PLANS: Mapping[str, type] = MappingProxyType(
    {
        "aged": AgedPlan,
        "robustness": RobustnessPlan,
        "denoise": DenoisePlan,
        "inpaint": InpaintBenchPlan,
        "stylize": StylizeBenchPlan,
        "generate": GenerateBenchPlan,
        "speed": SpeedPlan,
        "memory": MemoryPlan,
    }
)
"""Bench -> what it is asked for."""


def band_of(text: str) -> tuple[float, float]:
    """The shares 0..1 that a text like "10-20" means, in percent; raises `PlanError`."""
    low, _, high = text.partition("-")
    try:
        found = float(low) / 100, float(high) / 100
    except ValueError:
        found = (1.0, 0.0)
    if not 0 < found[0] < found[1] <= 0.9:
        raise PlanError(
            f"shares={text} is no band.", remedy="write percentages from low to high, up to 90: 10-20,30-50"
        )
    return found


def _something(values: tuple[Any, ...], name: str) -> None:
    if not values or len(set(values)) < len(values):
        raise PlanError(f"{name} is empty or names one twice.", remedy=f"name each of --{name} once")
