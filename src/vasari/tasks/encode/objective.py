"""Teach the encoder: its features, through linear heads, are to give a VGG-19's at the same depths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import from_dict
from vasari.models.encoders import Encoder
from vasari.models.feature_networks import FeatureNetwork, VggFeatures, load_features
from vasari.tasks.data.crops import Crops
from vasari.tasks.data.gather import gather
from vasari.tasks.data.picture_set import PictureSet
from vasari.tasks.data.provenance import describe_sources
from vasari.tasks.encode.plan import EncodeObjectivePlan
from vasari.tasks.first_weights import first_network
from vasari.tasks.objectives import Batch, Examples, Objective, Turn, Validation
from vasari.tasks.recipe import Recipe

JUDGED = 32
SMALLEST = 1e-3


class Teacher(nn.Module):
    """A VGG-19 whose relu2_1 ... relu5_1 are brought to mean 0 and deviation 1 a channel over some pictures."""

    def __init__(self, network: FeatureNetwork, pictures: Tensor) -> None:
        super().__init__()
        self.network = network
        with torch.no_grad():
            found = [network(one[None])[1:] for one in pictures]
        for depth, features in enumerate(zip(*found, strict=True)):
            flat = torch.cat([one.flatten(2)[0] for one in features], 1)
            self.register_buffer(f"mean{depth}", flat.mean(1)[None, :, None, None])
            self.register_buffer(f"deviation{depth}", flat.std(1)[None, :, None, None].clamp(min=SMALLEST))

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels at each depth."""
        buffers = dict(self.named_buffers(recurse=False))
        return tuple(buffers[f"mean{depth}"].shape[1] for depth in range(len(buffers) // 2))

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> list[Tensor]:
        """[N, 3, h, w] -> standardized features, float32."""
        buffers = dict(self.named_buffers(recurse=False))
        return [
            (one.float() - buffers[f"mean{depth}"]) / buffers[f"deviation{depth}"]
            for depth, one in enumerate(self.network(pixels)[1:])
        ]


class Heads(nn.Module):
    """A linear map (1×1) a depth, from the encoder's channels to the teacher's; needed for teaching alone."""

    def __init__(self, inner: Sequence[int], outer: Sequence[int]) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(inner, outer, strict=True))

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Features a depth -> what the teacher should say."""
        return [head(one) for head, one in zip(self.maps, features, strict=True)]


class EncodeObjective(Objective):
    """One turn: the mean square error of the standardized features, a term a depth."""

    def __init__(self, encoder: Encoder, facts: Mapping[str, Any], pictures: PictureSet, plan: EncodeObjectivePlan):
        self._encoder, self._facts, self._pictures, self._plan = encoder, facts, pictures, plan
        self._teacher = Teacher(_teacher(plan.teacher), self._fixed_pictures(plan.reckoned, seed=1))
        self._heads = Heads(encoder.widths, self._teacher.widths)

    def _fixed_pictures(self, count: int, seed: int) -> Tensor:
        crops = Crops(self._pictures, self._plan.pictures, seed)
        return torch.stack([crops[index]["pictures"] for index in range(count)])

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"encoder": self._encoder, "heads": self._heads}

    @property
    def fixed(self) -> Mapping[str, nn.Module]:
        return {"teacher": self._teacher}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("encoder", "heads")

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        return {"encoder": {**self._facts, "task": "encode"}}

    @property
    def weights(self) -> Mapping[str, float]:
        return {f"depth{depth}": 1.0 for depth in range(1, 5)}

    @property
    def best(self) -> tuple[str, str] | None:
        return "explained", "max"

    @property
    def data_report(self) -> Sequence[str]:
        return self._pictures.report.lines()

    @property
    def turns(self) -> Sequence[Turn]:
        return (Turn("encode", (self._encoder, self._heads), self._losses),)

    def examples(self, seed: int) -> Examples:
        return Crops(self._pictures, self._plan.pictures, seed)

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        said = self._heads(self._encoder(batch["pictures"]))
        taught = self._teacher(batch["pictures"])
        pairs = zip(said, taught, strict=True)
        return {f"depth{d}": (a.float() - b).square().mean() for d, (a, b) in enumerate(pairs, 1)}

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        """The share of the teacher's variance that is explained, a depth, on fixed crops of the training pictures."""
        device = next(self._encoder.parameters()).device
        pixels = self._fixed_pictures(JUDGED, seed=2).to(device)
        said = networks["heads"](networks["encoder"](pixels))
        taught = self._teacher(pixels)
        shares = [1 - float((a - b).square().mean() / b.var(correction=0)) for a, b in zip(said, taught, strict=True)]
        metrics = {f"explained{depth}": share for depth, share in enumerate(shares, 1)}
        return Validation({**metrics, "explained": sum(shares) / len(shares)})


def build(recipe: Recipe, data: tuple[str | Any, ...]) -> EncodeObjective:
    """The objective of an encode recipe; raises `PlanError` for bad options, `TrainingError` for no data."""
    plan = from_dict(EncodeObjectivePlan, dict(recipe.objective), where=f"{recipe.name}.objective")
    encoder, facts = first_network(recipe, Encoder, "encoder", plan.start_from)
    pictures = gather(data, plan.pictures)
    about = {"training_pictures": len(pictures), "training_data": describe_sources(data)}
    return EncodeObjective(encoder, {**facts, **about}, pictures, plan)


def _teacher(path: str) -> FeatureNetwork:
    """The VGG-19 of a file; raises `PlanError` where it is another network or ends before relu5_1."""
    network = load_features(path)
    if isinstance(network, VggFeatures) and len(network(torch.zeros(1, 3, 32, 32))) == 5:
        return network
    raise PlanError(
        "The teacher is no VGG-19 up to relu5_1, and its depths are not those of an encoder.",
        remedy="name a VGG-19 with the tensors conv0, conv11 ... conv51",
    )
