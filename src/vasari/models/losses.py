"""Losses as pure functions: content, structure, and the adversarial kinds; each formula with its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

from vasari.models.blocks import smoothed

ENERGY_OCTAVES = 3
ALTERNATION_FLOOR = 1 / 255
ENERGY_FLOOR = 3 / 255  # deviations far below are silence: what is flat must not be asked to be flatter still


def log_mean_square(made: Tensor, truth: Tensor, floor: float) -> Tensor:
    """Mean over pictures of log10(mean square error + floor): minus a tenth of the mean PSNR in decibel.

    made, truth [N, ...] -> scalar. As the PSNR loss of NAFNet (Chen et al. 2022, arXiv:2204.04676); the
    floor, a mean square error, ends the chase after pictures that are already right.
    """
    errors = (made.float() - truth.float()).square().flatten(1).mean(1)
    return torch.log10(errors + floor).mean()


def in_the_tone_of(truth: Tensor, given: Tensor, covered: Tensor, cell: int = 8, stiffness: float = 1e-3) -> Tensor:
    """The truth, moved by the color transform that brings it nearest to what is given.

    truth, given [N, 3, h, w], sides of `cell` or more; covered [N, 1, h, w] in 0..1 says where the given
    picture must not be believed -> [N, 3, h, w] float32. One affine transform of color a picture, by
    weighted least squares over the means of cells of `cell`² pixels (which noise, blur and compression
    hardly touch), `stiffness` being the ridge that keeps it near the identity where a picture has few
    colors. A patch cannot know how its picture faded: measured against this target, it is not asked to.
    """
    with torch.no_grad(), torch.autocast(truth.device.type, enabled=False):
        bare = 1 - covered.float()
        sums = (functional.avg_pool2d(one.float(), cell).flatten(2).mT for one in (bare, truth * bare, given * bare))
        believed, cells, wanted = sums
        cells, wanted = cells / believed.clamp(min=1e-3), wanted / believed.clamp(min=1e-3)
        known = functional.pad(cells, (0, 1), value=1.0)
        weighted = known * believed / cells.shape[1]
        ridge = stiffness * torch.diag(known.new_tensor([1.0, 1.0, 1.0, 0.1]))
        moves = torch.linalg.solve(known.mT @ weighted + ridge, weighted.mT @ (wanted - cells))
        pixels = functional.pad(truth.float().flatten(2), (0, 0, 0, 1), value=1.0)
        return truth.float() + (moves.mT @ pixels).unflatten(2, truth.shape[2:])


def luma(pixels: Tensor) -> Tensor:
    """Rec. 601 luma of sRGB-encoded pixels: [N, 3, h, w] -> [N, 1, h, w]."""
    red, green, blue = pixels.float().unbind(1)
    return (0.299 * red + 0.587 * green + 0.114 * blue)[:, None]


def structural_dissimilarity(made: Tensor, truth: Tensor, window: int = 7) -> Tensor:
    """1 - SSIM of luma (Wang et al. 2004, eq. 13), [N, 3, h, w] in 0..1 -> scalar.

    Departs from the paper in its window: a `window`² mean in place of an 11×11 Gaussian, which costs a
    fifth; the metric in `tasks/metrics.py` keeps the Gaussian.
    """
    a, b = luma(made), luma(truth)

    def mean(x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, window, stride=1)

    mean_a, mean_b = mean(a), mean(b)
    variance_a = mean(a * a) - mean_a.square()
    variance_b = mean(b * b) - mean_b.square()
    covariance = mean(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + 0.01**2) / (mean_a.square() + mean_b.square() + 0.01**2)
    structure = (2 * covariance + 0.03**2) / (variance_a + variance_b + 0.03**2)
    return 1 - (luminance * structure).mean()


def energy_apart(made: Tensor, truth: Tensor) -> Tensor:
    """How far the local strength of fine detail is from the truth's: mean |log ratio|, scalar, 0 for equal pictures.

    made, truth [N, C, h, w] in 0..1, sides of 32 px or more. Strength is the deviation from a 1 2 1 mean in windows of
    8 px, in three octaves. It does not ask where a hair lies, only that there be as much hair: a blurred guess, which
    costs the mean square least, pays here. A steerable pyramid's energies, of Portilla and Simoncelli (2000), in short.
    """
    apart = []
    one, other = made.float(), truth.float()
    for _ in range(ENERGY_OCTAVES):
        coarse, wanted = smoothed(one), smoothed(other)
        apart.append((_strength(one - coarse).log() - _strength(other - wanted).log()).abs().mean())
        one, other = functional.avg_pool2d(coarse, 2), functional.avg_pool2d(wanted, 2)
    return torch.stack(apart).mean()


def _strength(detail: Tensor) -> Tensor:
    energy = functional.avg_pool2d(detail.square().mean(1, keepdim=True), 8, 4)
    return (energy + ENERGY_FLOOR**2).sqrt()


def alternation_beyond(made: Tensor, truth: Tensor) -> Tensor:
    """How much more alternates from pixel to pixel than in the truth: mean of log ratios above 0, scalar.

    made, truth [N, C, h, w] in 0..1, sides of 8 px or more. Checks and stripes of one pixel are what networks with a
    pixel shuffle give in place of detail (Odena et al. 2016, Deconvolution and checkerboard artifacts); photographs
    have little of them. Strength is the deviation in windows of 8 px; up to a level of 8 bit is forgiven.
    """
    found, wanted = (_alternation(one) + ALTERNATION_FLOOR**2 for one in (made, truth))
    return functional.relu((found / wanted).log()).mean() / 2


def _alternation(pixels: Tensor) -> Tensor:
    """Mean squares of checks, and of stripes across and down, in windows of 8 px: [N·C, 3, h', w']."""
    low, high = (torch.tensor([1.0, middle, 1.0], device=pixels.device) / 4 for middle in (2.0, -2.0))
    kernels = torch.stack([torch.outer(one, other) for one, other in ((high, high), (high, low), (low, high))])
    found = functional.conv2d(pixels.float().flatten(0, 1)[:, None], kernels[:, None])
    return functional.avg_pool2d(found.square(), 8, 4, ceil_mode=True)


def with_steady_gradient(loss: Tensor, pixels: Tensor) -> Tensor:
    """The loss, scalar, with its gradient toward pixels [N, ...] rescaled: a mean length of 1 a picture.

    However steep or flat a critic has become, it then pulls alike. As the adaptive weight of VQGAN (Esser et al. 2021,
    arXiv:2012.09841, eq. 7), taken at the picture in place of the last layer, and of a fixed length.
    """
    (gradient,) = torch.autograd.grad(loss, pixels, retain_graph=True)
    length = len(pixels) * gradient.float().flatten(1).norm(dim=1).mean()
    pull = (gradient.float() / (length + 1e-20) * pixels.float()).sum()
    return loss.detach() + pull - pull.detach()


def _bce(real: Tensor, made: Tensor) -> Tensor:
    return functional.softplus(-real).mean() + functional.softplus(made).mean()


def _lsgan(real: Tensor, made: Tensor) -> Tensor:
    return 0.5 * ((real - 1).square().mean() + made.square().mean())


def _hinge(real: Tensor, made: Tensor) -> Tensor:
    return functional.relu(1 - real).mean() + functional.relu(1 + made).mean()


def _wgan(real: Tensor, made: Tensor) -> Tensor:
    return made.mean() - real.mean()


def _rpgan(real: Tensor, made: Tensor) -> Tensor:
    return functional.softplus(made - real).mean()


CRITIC_LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {"bce": _bce, "lsgan": _lsgan, "hinge": _hinge, "wgan": _wgan, "rpgan": _rpgan}
)
"""What a critic minimizes, of its scores (real, made), any equal shapes -> scalar.

bce: non-saturating GAN (Goodfellow et al. 2014, arXiv:1406.2661); lsgan: least squares (Mao et al. 2016,
arXiv:1611.04076, eq. 9 with a=0, b=c=1); hinge (Lim & Ye 2017, arXiv:1705.02894); wgan (Arjovsky et al.
2017, arXiv:1701.07875; needs clipping or a penalty); rpgan: relativistic pairing (Jolicoeur-Martineau
2018, arXiv:1807.00734; Huang et al. 2024, arXiv:2501.05441, eq. 2).
"""


GENERATOR_LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "bce": lambda real, made: functional.softplus(-made).mean(),
        "lsgan": lambda real, made: 0.5 * (made - 1).square().mean(),
        "hinge": lambda real, made: -made.mean(),
        "wgan": lambda real, made: -made.mean(),
        "rpgan": lambda real, made: functional.softplus(real - made).mean(),
    }
)
"""What a generator minimizes, of the critic's scores (real, made) -> scalar; papers as above."""


def gradient_penalty(scores: Tensor, pixels: Tensor) -> Tensor:
    """R1 or R2: half the mean square norm of ∂scores/∂pixels (Mescheder et al. 2018, arXiv:1801.04406, eq. 9).

    scores, any shape, computed from pixels [N, C, h, w], which require a gradient. On real pictures it
    is R1, on made ones R2.
    """
    (gradient,) = torch.autograd.grad(scores.sum(), pixels, create_graph=True)
    return 0.5 * gradient.float().square().flatten(1).sum(1).mean()


def interpolation_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, made: Tensor) -> Tensor:
    """WGAN-GP: the mean of (‖∂score/∂pixels‖ - 1)² between real and made pictures.

    Gulrajani et al. 2017, arXiv:1704.00028, eq. 3. real, made [N, C, h, w]; the pictures at which it is measured lie at
    a random place on the line between the two.
    """
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = torch.lerp(made.detach().float(), real.float(), share).requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    length = (gradient.float().square().flatten(1).sum(1) + 1e-12).sqrt()
    return (length - 1).square().mean()
