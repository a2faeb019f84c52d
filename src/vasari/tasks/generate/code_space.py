"""Linear algebra over codes: principal components, and directions by regression. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

MOST_COMPONENTS = 128
LEAST_SHARE = 1e-6
LEFT_OUT_SHARE = 0.25
RIDGE = 0.02
# How little an attribute may be told from the others before its step takes some of them along.
STEP_RIDGE = 0.05
SMALL_PX = 16


@dataclass(frozen=True, eq=False)
class CodeSpace:
    """Principal components of codes: mean [layers, code], basis [K, layers, code] (orthonormal), deviations and
    shares of the variance [K], largest first."""

    mean: Tensor
    basis: Tensor
    deviations: Tensor
    explained: Tensor

    def whitened(self, codes: Tensor) -> Tensor:
        """Codes [N, layers, code] as coordinates [N, K] of mean 0 and deviation 1."""
        return (codes - self.mean).flatten(1) @ self.basis.flatten(1).T / self.deviations

    def vectors(self, whitened: Tensor) -> Tensor:
        """Whitened steps [M, K] as steps of codes [M, layers, code]."""
        return ((whitened * self.deviations) @ self.basis.flatten(1)).unflatten(1, self.basis.shape[1:])


def code_space(codes: Tensor) -> CodeSpace:
    """PCA of codes [N, layers, code], all layers of a code as one vector (GANSpace, Härkönen et al. 2020,
    arXiv:2004.02546); at most 128 components, of shares above a millionth."""
    mean = codes.mean(0)
    _, lengths, basis = torch.linalg.svd((codes - mean).flatten(1).double(), full_matrices=False)
    variances = lengths.square() / max(1, len(codes) - 1)
    shares = variances / variances.sum().clamp(min=1e-30)
    kept = min(MOST_COMPONENTS, max(1, int((shares > LEAST_SHARE).sum())))
    return CodeSpace(
        mean,
        basis[:kept].unflatten(1, codes.shape[1:]).to(codes),
        variances[:kept].sqrt().clamp(min=1e-12).to(codes),
        shares[:kept].to(codes),
    )


def small(pictures: Tensor) -> Tensor:
    """Pictures [N, 3, px, px] averaged down to at most 16 px."""
    return functional.adaptive_avg_pool2d(pictures, min(SMALL_PX, pictures.shape[-1]))


def picture_components(codes: Tensor, pictures: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Directions [count, layers, code] of length 1 that lead along the principal components of pictures; their shares.

    For codes that are noise, whose own components mean nothing: PCA after the network, brought back to the noise by
    least squares (as GANSpace does for BigGAN). Departs from the paper in where PCA looks: at small pictures
    [N, 3, s, s], in place of a first layer's output.
    """
    centered = (pictures - pictures.mean(0)).flatten(1).double()
    left, lengths, _ = torch.linalg.svd(centered, full_matrices=False)
    # The scores of different components are uncorrelated: least squares is one product a component.
    steps = left[:, :count].T.to(codes.device) @ (codes - codes.mean(0)).flatten(1).double()
    shares = lengths.square() / lengths.square().sum().clamp(min=1e-30)
    return _of_length_one(steps).unflatten(1, codes.shape[1:]).to(codes), shares[:count].float()


def regression_directions(space: CodeSpace, codes: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """For each column of `values` [N, A] the step of codes that raises it and, as far as it can, no other column.

    Returns steps [A, layers, code], a deviation of the codes long, and R² [A] on the last quarter of the samples,
    which the regression did not see. Ridge regression in whitened coordinates gives the slopes B; the steps are
    B (BᵀB)⁻¹, again with a ridge: the shortest that raise their own value by 1 and the others by 0 (as the conditional
    manipulation of InterFaceGAN, Shen et al. 2020, arXiv:1907.10786, for all attributes at once).
    """
    points, device = space.whitened(codes).double().cpu(), codes.device
    wanted = values.double().cpu()
    wanted = (wanted - wanted.mean(0)) / wanted.std(0).clamp(min=1e-9)
    seen = len(points) - int(len(points) * LEFT_OUT_SHARE)
    x, y = points[:seen], wanted[:seen]
    center_x, center_y = x.mean(0), y.mean(0)
    gram = (x - center_x).T @ (x - center_x) / seen
    slopes = torch.linalg.solve(_ridged(gram, RIDGE), (x - center_x).T @ (y - center_y) / seen)
    errors = (points[seen:] - center_x) @ slopes + center_y - wanted[seen:]
    spread = (wanted[seen:] - wanted[seen:].mean(0)).square().mean(0).clamp(min=1e-12)
    explained = 1 - errors.square().mean(0) / spread
    products = slopes.T @ slopes
    steps = torch.linalg.solve(_ridged(products, STEP_RIDGE), slopes.T)
    return space.vectors(_of_length_one(steps).to(device=device, dtype=codes.dtype)), explained.float()


def _ridged(matrix: Tensor, share: float) -> Tensor:
    """The symmetric matrix with `share` of its mean diagonal added to it."""
    size = len(matrix)
    return matrix + torch.eye(size, dtype=matrix.dtype) * (matrix.diagonal().mean() * share + 1e-12)


def _of_length_one(rows: Tensor) -> Tensor:
    return rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-12)
