"""White Gaussian noise on clean pictures, its strength not told."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from vasari.tasks.benchmark.bench import Setting
from vasari.tasks.benchmark.cases import Case, Cases, as_saved
from vasari.tasks.benchmark.measures import Likeness
from vasari.tasks.benchmark.methods import nothing_done, restoring
from vasari.tasks.benchmark.plans import DenoisePlan
from vasari.tasks.benchmark.quality import Material, gain_table, held, reported, score_table
from vasari.tasks.benchmark.report import Report
from vasari.tasks.benchmark.sources import Sources, sources
from vasari.tasks.evaluate.network import Comparer
from vasari.tasks.restore.plan import RestorePlan


def run(plan: DenoisePlan, setting: Setting) -> Report:
    """Gains by strength of the noise; raises `PlanError`, `WeightsError`, `PeerError`."""
    ours = restoring(RestorePlan(model=plan.model, tone=plan.tone, precision=plan.precision, device=plan.device))
    clean, lost = sources(plan.data, plan.count, plan.long_side_px, plan.names).readable()
    clipping = "clipped and rounded to 8 bit" if plan.clipped else "neither clipped nor rounded (peers get float TIFFs)"
    size = f"long side {plan.long_side_px} px" if plan.long_side_px else "whole pictures"
    told = f"{clean.told}, {size}; white Gaussian noise on all channels, {clipping}, seeded by picture; blind"
    material = Material(noisy_cases(clean, plan), told, Likeness(Comparer.of(plan.network)), lost)
    results = held(plan, material, [nothing_done(), ours], setting)
    tables = [gain_table(results, method, {"sigma": "sigma "}) for method in results.methods]
    if setting.peers:
        tables += [score_table(results, group, f"Sigma {group[1]}") for group in results.groups if group[0] == "sigma"]
    notes: list[str] = []
    if not plan.clipped:
        notes = [
            "What is given is scored clipped and rounded to 8 bit, as a viewer would show it.",
            "`vasari restore` carries what lies beyond 0 to 1 past the network, since it may be a color of a wide "
            "gamut: so it does with that part of the noise. With --clipped there is none.",
        ]
    return reported("denoise", "Gaussian noise", plan, material, results, setting, tables, notes)


def noisy_cases(clean: Sources, plan: DenoisePlan) -> Cases:
    """Every picture at every strength."""

    def each() -> Iterator[Case]:
        for index in range(len(clean)):
            name, pixels = clean.read(index)
            for sigma in plan.sigmas:
                bad = noisy(pixels, sigma, plan.seed + index)
                given = as_saved(bad) if plan.clipped else bad
                yield Case(f"{name}-{sigma:g}", name, {"sigma": f"{sigma:g}"}, given, pixels)

    return Cases(len(clean) * len(plan.sigmas), each)


def noisy(clean: Tensor, sigma: float, seed: int) -> Tensor:
    """clean [3, rows, columns], 0..1, plus Gaussian noise of `sigma` on the 8-bit scale."""
    noise = np.random.default_rng(seed).normal(0, sigma / 255, tuple(clean.shape)).astype(np.float32)
    return clean + torch.from_numpy(noise)
