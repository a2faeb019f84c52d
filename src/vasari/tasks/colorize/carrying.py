"""Hints carried to their surroundings: as far as lightness is even, and fading with the distance.

What a person says of a place stands against what the network painted there. The difference is spread over the grid as
color is in Levin, Lischinski & Weiss 2004 (Colorization using Optimization, equation 1): neighbors of like lightness
are to differ as little as they can. Departs from it in that every cell is also drawn to what the network painted, so
that a hint reaches the edge of its thing and some way along an even ground, not across the whole picture.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# Difference of lightness (0..1) at which neighbors hold together by a factor of 1/√e.
LIKE = 0.04
# How strongly neighbors hold together at the least, for grain and fine texture within one thing.
LOOSEST = 0.0002
# How strongly each cell is drawn to what the network painted, against 1 between like neighbors: reaches some 100 cells.
DRAWN = 1e-4
# How strongly a hint holds where it covers a cell whole.
HELD = 4.0
_ITERATIONS = 400
_EXACT = 1e-6  # of the first residual, at which the solution is taken for found


def carried(chroma: Tensor, light: Tensor, said: Tensor, known: Tensor) -> Tensor:
    """chroma [1, 2, h, w] as painted, moved to what is said [1, 2, h, w] where it is known, and around.

    known [1, 1, h, w] is the share of a cell that hints cover; light [1, 1, h, w] is L*/100 of the same cells.
    Conjugate gradients (Hestenes & Stiefel 1952) with the diagonal as preconditioner, in float64.
    """
    if not bool((known > 0).any()):
        return chroma
    across, down = _ties(light.double())
    held = HELD * known.double()
    diagonal = DRAWN + held + _neighbors_sum(across, down)

    def applied(moves: Tensor) -> Tensor:
        return diagonal * moves - _from_neighbors(moves, across, down)

    wanted = held * (said.double() - chroma.double())
    moves = torch.zeros_like(wanted)
    residual = wanted.clone()
    step = residual / diagonal
    direction, power = step, (residual * step).sum()
    first = residual.norm()
    for _ in range(_ITERATIONS):
        if residual.norm() <= _EXACT * first:
            break
        along = applied(direction)
        length = power / (direction * along).sum()
        moves = moves + length * direction
        residual = residual - length * along
        step = residual / diagonal
        before, power = power, (residual * step).sum()
        direction = step + power / before * direction
    return (chroma.double() + moves).to(chroma.dtype)


def _ties(light: Tensor) -> tuple[Tensor, Tensor]:
    """How strongly cells hold to the next one: [N, 1, h, w-1] across, [N, 1, h-1, w] down, `LOOSEST` to 1."""
    return tuple(  # type: ignore[return-value]
        torch.exp(-light.diff(dim=axis).square() / (2 * LIKE**2)).clamp(min=LOOSEST) for axis in (3, 2)
    )


def _neighbors_sum(across: Tensor, down: Tensor) -> Tensor:
    """The sum of each cell's ties [N, 1, h, w]."""
    return (
        functional.pad(across, (0, 1)) + functional.pad(across, (1, 0))
        + functional.pad(down, (0, 0, 0, 1)) + functional.pad(down, (0, 0, 1, 0))
    )  # fmt: skip


def _from_neighbors(values: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """The sum of each cell's neighbors, each times its tie: [N, C, h, w]."""
    return (
        functional.pad(across * values[..., 1:], (0, 1)) + functional.pad(across * values[..., :-1], (1, 0))
        + functional.pad(down * values[..., 1:, :], (0, 0, 0, 1))
        + functional.pad(down * values[..., :-1, :], (0, 0, 1, 0))
    )  # fmt: skip
