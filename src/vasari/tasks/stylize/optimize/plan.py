"""What an optimized stylization is asked for. Imports no torch: the command line is derived from it."""

from __future__ import annotations

from dataclasses import dataclass

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.tasks.shared_options import device_option

ENCODER = "encoder"
VGG19 = "vgg19"
STYLE_LOSSES = ("gram", "moments", "wasserstein")
NORMALIZATIONS = ("gatys", "elements", "relative")


@dataclass(frozen=True)
class OptimizePlan:
    """How a picture is optimized towards a style; everything here decides the bytes of a result."""

    network: str = option(
        ENCODER,
        "the feature network: 'encoder' (bundled), or a .safetensors file or address#sha256=… of a VGG-19 or encoder",
    )
    loss: str = option(
        "gram",
        "what makes a style: 'gram' matrices, channel 'moments', or the 'wasserstein' distance of sliced features",
        choices=STYLE_LOSSES,
    )
    normalization: str = option(
        "gatys",
        "of Gram matrices: 'gatys' 1/(4N²M²), 'elements' (their mean), 'relative' (each depth to its target's size)",
        choices=NORMALIZATIONS,
    )
    optimizer: str = option("lbfgs", "'lbfgs', or 'adam', which takes less memory", choices=("lbfgs", "adam"))
    start: str = option("content", "the first pixels: those of the 'content', or 'noise'", choices=("content", "noise"))
    content_weight: float = option(0.02, "how strongly the content is held, relative to the style", minimum=0.0)
    content_stride: int = option(
        4, "at which depth the content is held, in pixels between its places: more holds less", minimum=1, maximum=64
    )
    grain_weight: float = option(0.3, "how strongly the finest pixels are held to the style's own", minimum=0.0)
    variation_weight: float = option(0.015, "how strongly neighboring pixels are drawn together", minimum=0.0)
    depth_weights: tuple[float, ...] = option(
        (), "weights of the network's depths in the style, finest first; if left out all count alike", minimum=0.0
    )
    style_scale: float = option(
        1.0, "size of the style pictures relative to the content, and so of their strokes", minimum=0.05, maximum=8.0
    )
    steps: int = option(150, "evaluations of the losses at the coarsest scale", minimum=1, maximum=100_000)
    finer_share: float = option(
        0.6, "steps at each finer scale, as a share of those at the one before", minimum=0.01, maximum=1.0
    )
    coarsest_px: int = option(128, "long side at which it begins, about, in pixels", minimum=32, maximum=4096)
    rate: float = option(0.02, "Adam's learning rate, in pixel values 0..1", minimum=1e-5, maximum=1.0)
    phases: int = option(
        2,
        "how often the network looks, its grid moved: 1 is faster, more leave fewer traces of it",
        minimum=1,
        maximum=4,
    )
    tile_px: int = option(1024, "pictures larger than this are gone through in tiles of it", minimum=64, maximum=8192)
    seed: int = option(0, "of noise and of slices", minimum=0)
    device: str = device_option()

    def __post_init__(self) -> None:
        check(self)
        if self.depth_weights and sum(self.depth_weights) <= 0:
            raise PlanError("All depth_weights are 0: nothing is left of the style.", remedy="give one above 0")
