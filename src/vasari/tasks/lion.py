"""Lion: an optimizer that steps by signs, with one moment in place of two."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, optim


class Lion(optim.Optimizer):
    """Lion (Chen et al. 2023, arXiv:2302.06675, algorithm 2), with decoupled weight decay.

    update = sign(β₁·m + (1 - β₁)·g); θ ← θ - rate·(update + decay·θ); m ← β₂·m + (1 - β₂)·g. Its rate is to be
    three to ten times smaller than Adam's, and its decay as much larger (section 5 of the paper).
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            pairs = [(one, one.grad) for one in group["params"] if one.grad is not None]
            if pairs:
                self._move([one for one, _ in pairs], [gradient for _, gradient in pairs], group)
        return loss

    def _move(self, parameters: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> None:
        first, second = group["betas"]
        for one in parameters:
            if "moment" not in self.state[one]:
                self.state[one]["moment"] = torch.zeros_like(one)
        moments = [self.state[one]["moment"] for one in parameters]
        updates = torch._foreach_lerp(gradients, moments, first)
        torch._foreach_sign_(updates)
        torch._foreach_mul_(parameters, 1.0 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(parameters, updates, alpha=-group["lr"])
        torch._foreach_lerp_(moments, gradients, 1.0 - second)
