"""Samples judged against the training pictures: how near, how varied, how much is covered, what is copied."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vasari.models.generators import Generator
from vasari.models.picture_features import feature_network
from vasari.tasks import set_metrics
from vasari.tasks.data.picture_set import PictureSet
from vasari.tasks.generate.examples import GenerateExamples
from vasari.tasks.generate.plan import GeneratePlan
from vasari.tasks.objectives import Validation

GRID_ROWS, GRID_COLUMNS = 6, 10
COPIES_SHOWN = 10
SEED_OF_SAMPLES = 1
BATCH = 64


@dataclass(frozen=True, eq=False)
class Judge:
    """The training pictures and their features, against which samples are measured."""

    pictures: Tensor
    known: Tensor
    features: nn.Module
    samples: int

    @classmethod
    def of(cls, pictures: PictureSet, plan: GeneratePlan) -> Judge:
        """Take the middle of each picture, as many as the plan says; where it names an era, one aged crop of each."""
        count = max(2, min(len(pictures), plan.judged_pictures))
        if plan.era:
            examples = GenerateExamples(pictures, plan, seed=0)
            shown = torch.stack([examples[index]["pictures"] for index in range(count)])
        else:
            shown = torch.stack([pictures.tensor(index, plan.pictures.px) for index in range(count)])
        features = feature_network(plan.features)
        return cls(shown, features_of(features, shown), features, plan.judged_samples)

    def judge(self, generator: Generator) -> Validation:
        """The metrics of `set_metrics.compare_sets` for samples from fixed noise, and two sheets.

        "samples" is a grid of them; "nearest" has in its first row the samples that lie nearest to a training
        picture, and below each that picture: copies would be seen here first.
        """
        made = sampled(generator, self.samples, SEED_OF_SAMPLES)
        found = features_of(self.features, made)
        indices, distances = self._nearest(found)
        closest = distances.argsort()[:COPIES_SHOWN]
        grid = made[: GRID_ROWS * GRID_COLUMNS]
        columns = min(GRID_COLUMNS, len(grid))
        grid = grid[: len(grid) // columns * columns]
        pairs = torch.stack([made[closest], self.pictures[indices[closest]]])
        metrics = set_metrics.compare_sets(self.known, found)
        return Validation(metrics, {"samples": grid.unflatten(0, (-1, columns)), "nearest": pairs})

    def _nearest(self, found: Tensor) -> tuple[Tensor, Tensor]:
        """Index and distance of the training picture, or its mirror image, that is nearest to each sample [N, d]."""
        mirrored = features_of(self.features, self.pictures.flip(3))
        either = [tuple(one[:, 0] for one in set_metrics.nearest(found, known)) for known in (self.known, mirrored)]
        (indices, distances), (others, their_distances) = either
        nearer = their_distances < distances
        return torch.where(nearer, others, indices), torch.where(nearer, their_distances, distances)


@torch.no_grad()
def sampled(generator: Generator, count: int, seed: int) -> Tensor:
    """`count` pictures [count, 3, px, px] in 0..1 on the CPU, from the noise of `seed`."""
    noise = torch.randn(count, generator.latent, generator=torch.Generator().manual_seed(seed))
    device = next(generator.parameters()).device
    parts = [generator(part.to(device)).float().clamp(0, 1).cpu() for part in noise.split(BATCH)]
    return torch.cat(parts)


@torch.no_grad()
def features_of(network: nn.Module, pictures: Tensor) -> Tensor:
    """Features [N, d] float32 of pictures [N, 3, h, w] in 0..1, on the CPU."""
    return torch.cat([network(part).float() for part in pictures.split(BATCH)])
