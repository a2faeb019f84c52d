"""What an evaluation is asked for. Imports no torch: the command line is derived from it."""

from __future__ import annotations

from dataclasses import dataclass

from vasari.foundation.plans import check, option

MODES = ("auto", "pairs", "sets")
CHANNELS = ("rgb", "luma")
SIZES = ("refuse", "resize", "crop")
FITS = ("center", "stretch")


@dataclass(frozen=True)
class EvaluatePlan:
    """How results are compared with a truth, picture by picture or set by set."""

    mode: str = option(
        "auto",
        "'pairs': by name; 'sets': as two sets; 'auto': pairs where names agree, else sets",
        choices=MODES,
    )
    channels: str = option("rgb", "pairs: PSNR and SSIM over RGB, or over the Rec. 601 luma", choices=CHANNELS)
    border_px: int = option(0, "pairs: leave out so many pixels along each edge", minimum=0)
    size: str = option(
        "refuse",
        "pairs of different sizes: refuse them, resize the result to the truth (Lanczos), or crop both to the "
        "smaller, from the center",
        choices=SIZES,
    )
    max_megapixels: int = option(64, "pairs: refuse larger pictures", minimum=1)
    network: str = option("encoder", "what sets, and perceptual distances, are compared by: a name or a file")
    lpips: str = option(
        "none", "pairs: LPIPS too, by its official weights: 'vgg' or 'alex'", choices=("none", "vgg", "alex")
    )
    weights: str = option("", "folder that holds official weights, where they are not to be downloaded")
    precision: str = option(
        "float32",
        "sets: arithmetic of the network; bfloat16 is faster on some processors, and moves the numbers a little",
        choices=("float32", "bfloat16"),
    )
    px: int = option(256, "sets: side of the square that a picture is brought to", minimum=32)
    fit: str = option("center", "sets: the square is the picture's center, or the whole stretched", choices=FITS)
    kept_features: int = option(
        5000, "sets: pictures of each set, drawn at random, for the kernel distance and neighborhoods", minimum=20
    )
    neighbors: int = option(5, "sets: k of precision, recall, density and coverage", minimum=1)
    classifier: str = option("", "sets: a recognizer file, for a score as Inception's by it; empty for none")
    cache: str = option("", "folder for features by content hash; empty for the user's cache folder")
    draws: int = option(2000, "bootstrap draws of an interval, and sign flips of a test", minimum=200)
    seed: int = option(0, "seed of the bootstrap, the test and the drawing of pictures", minimum=0)

    def __post_init__(self) -> None:
        check(self)
