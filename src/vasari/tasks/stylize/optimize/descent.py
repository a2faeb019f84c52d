"""Minimize the losses of one scale over the pixels: every evaluation is counted and told, the best one kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from vasari.tasks.stylize.optimize.losses import ScaleLosses
from vasari.tasks.stylize.optimize.plan import OptimizePlan

# L-BFGS remembers 2 × history pictures: as many as fit into this.
HISTORY_BYTES = 512 << 20
LONGEST_HISTORY, SHORTEST_HISTORY = 20, 3
# Without a line search a step may go astray: from so many times the best loss it begins anew from there.
ASTRAY = 3.0
FIRST_MOVE = 0.01  # of a pixel, the mean
DRAWN_EVERY = 10  # steps of Adam; L-BFGS, which learns the curvature, keeps to what was drawn for a scale

Told = Callable[[int, Tensor, Mapping[str, float]], bool | None]


class Stop(Exception):
    """Raised by a watcher to end an optimization; the best result so far is kept."""


class _Ended(Exception):
    """All steps are done."""


class _Astray(Exception):
    """The last step led far away from the best."""


class Descent:
    """The descent from `start` [1, 3, h, w]; `best`, `best_terms` and `curve` (totals) tell what was found."""

    def __init__(self, losses: ScaleLosses, start: Tensor, plan: OptimizePlan, told: Told) -> None:
        self._losses, self._plan, self._told = losses, plan, told
        self._pixels = start.detach().clone().requires_grad_(True)
        self._steps = 0
        self.best = start.detach().clone()
        self.best_terms: Mapping[str, float] = {}
        self.curve: list[float] = []
        self._best_total = math.inf

    def run(self, steps: int) -> bool:
        """Make up to `steps` evaluations; True where the watcher ended it."""
        self._steps = steps
        while True:
            optimizer = self._optimizer()
            try:
                self._evaluate_until_ended(optimizer)
            except _Ended:
                return False
            except Stop:
                return True
            except _Astray:
                with torch.no_grad():
                    self._pixels.copy_(self.best)

    def _evaluate_until_ended(self, optimizer: torch.optim.Optimizer) -> None:
        """One evaluation a step, with the rate that it should have."""
        first = True
        while True:
            for group in optimizer.param_groups:
                group["lr"] = self._rate(first)
            if self._plan.optimizer == "adam" and not first and len(self.curve) % DRAWN_EVERY == 0:
                self._losses.draw()
            optimizer.step(self._evaluate)  # type: ignore[arg-type]
            first = False

    def _rate(self, first: bool) -> float:
        if self._plan.optimizer == "adam":
            return self._plan.rate * min(1.0, 2 * (1 - len(self.curve) / self._steps) + 0.05)
        # torch makes the first step one of length 1 in the sum over all pixels: too little to see curvature by.
        return FIRST_MOVE * self._pixels.numel() if first else 1.0

    def _evaluate(self) -> Tensor:
        """One evaluation of the losses and their gradient, told to the watcher."""
        if len(self.curve) >= self._steps:
            raise _Ended
        terms = self._losses.terms(self._pixels)
        total = self._losses.total(terms)
        (gradient,) = torch.autograd.grad(total, self._pixels)
        # torch's L-BFGS takes curvatures below 1e-10 for none, and such are those of a mean over many pixels.
        self._pixels.grad = gradient.contiguous() * gradient.numel()
        now = {name: float(one.detach()) for name, one in (*terms.items(), ("total", total))}
        value = now["total"]
        self.curve.append(value)
        if value < self._best_total:
            self._best_total = value
            self.best.copy_(self._pixels.detach())
            self.best_terms = now
        astray = not value <= ASTRAY * self._best_total and self._plan.optimizer == "lbfgs"
        shown = (self.best, self.best_terms) if astray else (self._pixels.detach(), now)
        if self._told(len(self.curve), *shown):
            raise Stop
        if astray:
            raise _Astray
        return total.detach() * gradient.numel()

    def _optimizer(self) -> torch.optim.Optimizer:
        if self._plan.optimizer == "adam":
            return torch.optim.Adam([self._pixels], lr=self._plan.rate, betas=(0.9, 0.99))
        fits = HISTORY_BYTES // (2 * self._pixels.numel() * self._pixels.element_size())
        history = max(SHORTEST_HISTORY, min(LONGEST_HISTORY, fits))
        return torch.optim.LBFGS(
            [self._pixels], max_iter=1, history_size=history, tolerance_grad=0.0, tolerance_change=0.0
        )
